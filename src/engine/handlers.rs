//! Notifications and the handlers that they name.

use std::collections::HashSet;
use std::sync::Arc;

use shevek_diag::Diagnostic;
use shevek_event::{Event, Notified};
use shevek_inventory::HostId;
use shevek_playbook::Task;
use shevek_vars::HostScope;

use crate::batch::Batch;
use crate::cursor::Place;
use crate::done::Done;

impl Batch<'_> {
    /// Takes the notifications of a changed task.
    pub(crate) fn notify_all(&mut self, task: &Task, done: &Done) {
        let names: Vec<String> = done.items.iter().flat_map(|item| item.notify.iter().cloned()).collect();
        for name in names {
            let found = self.handlers_named(&name, done.host);
            if found.is_empty() {
                self.missing_handler(&name, task);
                continue;
            }
            let flushing = self.hosts.get(&done.host).is_some_and(|state| state.cursor.in_handlers());
            if flushing {
                self.notify(done.host, &found);
            } else if let Some(state) = self.hosts.get_mut(&done.host) {
                state.notified.insert(name);
            }
        }
    }

    fn missing_handler(&mut self, name: &str, task: &Task) {
        let message = format!(
            "The requested handler '{name}' was not found in either the main handlers list nor in the listening \
             handlers list"
        );
        if self.run.options.missing_handler_is_error {
            let all = self.handlers.iter().flat_map(|list| list.iter());
            let known: Vec<String> = all.map(|handler| handler.title()).collect();
            let error = Diagnostic::new(message)
                .did_you_mean(name, known.iter().map(String::as_str))
                .at_maybe(task.keywords.notify.as_ref().and_then(shevek_value::Value::origin), "")
                .or_at(task.origin.as_ref());
            self.fault.get_or_insert(error);
        } else {
            self.run.warn(message);
        }
    }

    fn notify(&mut self, host: HostId, handlers: &[Arc<Task>]) {
        let name = self.name(host);
        for handler in handlers {
            let title = self.rendered_title(handler, host);
            if let Some(state) = self.hosts.get_mut(&host)
                && state.cursor.notify(handler.id)
            {
                self.run.sink.send(Event::Notified(Notified { handler: title, host: name.clone() }));
            }
        }
    }

    /// Runs what a host has notified: the last handler of a name, and all that listen to it.
    pub(crate) fn flush_handlers(&mut self, host: HostId, at: &Place) {
        let names: Vec<String> = self
            .hosts
            .get_mut(&host)
            .map(|state| std::mem::take(&mut state.notified))
            .into_iter()
            .flatten()
            .collect();
        for name in names {
            let found = self.handlers_named(&name, host);
            self.notify(host, &found);
        }
        let handlers = Arc::new(self.handlers.iter().flat_map(|list| list.iter().cloned()).collect());
        if let Some(state) = self.hosts.get_mut(&host) {
            state.cursor.flush(handlers, at);
        }
    }

    /// The handlers that a name stands for.
    fn handlers_named(&mut self, name: &str, host: HostId) -> Vec<Arc<Task>> {
        let mut found: Vec<Arc<Task>> = Vec::new();
        let lists = self.handlers.clone();
        let all = || lists.iter().rev().flat_map(|list| list.iter());
        found.extend(all().find(|handler| self.is_named(handler, name, host)).cloned());
        let mut seen: HashSet<String> = HashSet::new();
        for handler in all().filter(|handler| handler.listen.iter().any(|topic| &**topic == name)) {
            let is_new = handler.name.as_ref().is_none_or(|name| seen.insert(name.text()));
            if is_new && !found.iter().any(|known| known.id == handler.id) {
                found.push(handler.clone());
            }
        }
        found
    }

    fn is_named(&mut self, handler: &Arc<Task>, name: &str, host: HostId) -> bool {
        let Some(written) = handler.name.as_ref().filter(|name| name.is_true()) else { return false };
        let own = if written.is_template() {
            let scope = HostScope::new(&self.run.fleet, &self.play, host, Some(handler));
            match self.run.fleet.templar.render(written, &scope) {
                Ok(rendered) => rendered.text(),
                Err(error) => {
                    if handler.listen.is_empty() && self.unusable.insert(handler.id) {
                        self.run.warn(format!(
                            "Handler '{}' is unusable because it has no listen topics and the name could not be \
                             templated (host-specific variables are not supported in handler names). The error: {}",
                            written.text(),
                            error.message()
                        ));
                    }
                    return false;
                }
            }
        } else {
            written.text()
        };
        if own == name {
            return true;
        }
        let Some(role) = &handler.role else { return false };
        name.strip_suffix(own.as_str())
            .and_then(|rest| rest.strip_suffix(" : "))
            .is_some_and(|prefix| prefix == &*role.name || prefix == role.full_name())
    }
}
