//! Other templates: `include`, `import`, `extends`.

use std::any::Any;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use shevek_diag::{Diagnostic, Kind as DiagnosticKind, Origin, Result, Source};
use shevek_value::{Map, Object, Value};

use super::frame::Slot;
use super::{Eval, Fault, Output, Run, Written};
use crate::syntax::{Expr, Include, Name};
use crate::templar::Parsed;

/// What an import gives: the names that the template set.
#[derive(Debug)]
pub(crate) struct Module {
    names: Map,
    printed: Value,
}

impl Object for Module {
    fn type_name(&self) -> &'static str {
        "TemplateModule"
    }
    fn get(&self, key: &Value) -> Result<Option<Value>> {
        Ok(self.names.get(key).cloned())
    }
    fn is_true(&self) -> bool {
        true
    }
    fn text(&self) -> String {
        self.printed.text()
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A name of an imported template.
pub(crate) fn exported(module: &Value, name: &str) -> Option<Value> {
    let module: &Module = module.as_object()?.as_any().downcast_ref()?;
    module.names.get(name).cloned()
}

/// A template file that was found.
pub(crate) struct Loaded {
    pub parsed: Arc<Parsed>,
    pub written: Arc<Written>,
}

impl Run<'_> {
    /// Finds a template file by name in the search path.
    fn load(&mut self, at: u32, name: &str) -> Eval<Option<Loaded>> {
        let Some(path) = self.find_file(name) else { return Ok(None) };
        let loaded = self.machine.load_file(&path, &self.written);
        self.at(at, loaded).map(Some)
    }

    fn find_file(&self, name: &str) -> Option<PathBuf> {
        let name = Path::new(name);
        if name.is_absolute() {
            return name.is_file().then(|| name.to_owned());
        }
        let beside = self.written.origin.as_ref().filter(|_| self.written.is_file);
        let beside = beside.and_then(|origin| Path::new(origin.source.name()).parent().map(Path::to_owned));
        let mut folders = self.machine.scope.search_path().into_iter().chain(beside);
        folders.find_map(|folder| {
            [folder.join("templates").join(name), folder.join(name)].into_iter().find(|path| path.is_file())
        })
    }

    /// The first template of one name or several.
    fn load_named(&mut self, expr: &Expr) -> Eval<Result<Loaded, String>> {
        let value = self.operand(expr)?;
        let value = self.machine.rendered_through(value);
        let names: Vec<&str> = match value.as_str() {
            Some(name) => vec![name],
            None => value.as_list().unwrap_or_default().iter().filter_map(Value::as_str).collect(),
        };
        if names.is_empty() {
            let detail = format!("the name of a template is text, not '{}'", value.type_name());
            return self.fail(expr.at, "wrong template name", detail);
        }
        for name in &names {
            if let Some(loaded) = self.load(expr.at, name)? {
                return Ok(Ok(loaded));
            }
        }
        Ok(Err(names.join("', '")))
    }

    fn must_load(&mut self, expr: &Expr) -> Eval<Loaded> {
        match self.load_named(expr)? {
            Ok(loaded) => Ok(loaded),
            Err(names) => {
                let searched: Vec<String> =
                    self.machine.scope.search_path().iter().map(|path| path.display().to_string()).collect();
                let why = Diagnostic::new("template not found")
                    .detail(format!("there is no '{names}'"))
                    .help(format!("searched in: {}", searched.join(", ")));
                self.at(expr.at, Err(Fault::Error(why)))
            }
        }
    }

    pub(crate) fn parent(&mut self, name: &Expr) -> Eval<Loaded> {
        self.must_load(name)
    }

    pub(crate) fn include(&mut self, include: &Include, output: &mut Output) -> Eval<()> {
        let loaded = if include.ignore_missing {
            match self.load_named(&include.name)? {
                Ok(loaded) => loaded,
                Err(_) => return Ok(()),
            }
        } else {
            self.must_load(&include.name)?
        };
        let parent = if include.with_context { self.frame } else { None };
        let machine = self.machine;
        machine.nested(|| {
            let mut run = Run::new(machine, loaded.written.clone());
            let frame = machine.frames.borrow_mut().enter(parent);
            run.frame = Some(frame);
            run.root = Some(frame);
            let result = run.template(&loaded.parsed.tree, output);
            machine.frames.borrow_mut().leave(frame);
            result
        })
    }

    pub(crate) fn import(&mut self, template: &Expr, with_context: bool) -> Eval<Value> {
        let loaded = self.must_load(template)?;
        let parent = if with_context { Some(self.own_frame()) } else { None };
        let machine = self.machine;
        machine.nested(|| {
            let mut run = Run::new(machine, loaded.written.clone());
            run.without_scope = !with_context;
            let frame = machine.frames.borrow_mut().enter(parent);
            run.frame = Some(frame);
            run.root = Some(frame);
            let mut output = Output::default();
            let result = run.template(&loaded.parsed.tree, &mut output);
            let names = machine.exports(frame);
            machine.frames.borrow_mut().leave(frame);
            result?;
            Ok(Value::object(Module { names, printed: output.into_value() }))
        })
    }
}

impl super::Machine<'_> {
    /// The names that a template set, but those that begin with an underline.
    fn exports(&self, frame: usize) -> Map {
        let frames = self.frames.borrow();
        let variables = frames.frame(frame).map(|frame| frame.variables.as_slice()).unwrap_or_default();
        let public = variables.iter().filter(|(name, _): &&(Name, Slot)| !name.starts_with('_'));
        public
            .filter_map(|(name, slot)| match slot {
                Slot::Value(value) => Some((Value::str(name.clone()), value.clone())),
                Slot::Alias(place) => Some((Value::str(name.clone()), self.read(place)?)),
                Slot::Shared(value, _) => Some((Value::str(name.clone()), value.clone())),
            })
            .collect()
    }

    /// Reads and parses a template file, with the options of the one that asks for it.
    fn load_file(&self, path: &Path, from: &Written) -> Eval<Loaded> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|why| {
            Diagnostic::new("can't read a template")
                .kind(DiagnosticKind::Machine)
                .detail(format!("{name}: {why}"))
        })?;
        let source = Source::new(name, text.as_str());
        let origin = Origin::whole(&source);
        let parsed = self.templar.parsed_file(&text, &from.options, &origin)?;
        let written = Arc::new(Written {
            text: parsed.text.clone(),
            origin: Some(Origin { line: parsed.first_line, ..origin }),
            is_file: true,
            options: parsed.options.clone(),
        });
        Ok(Loaded { parsed, written })
    }
}
