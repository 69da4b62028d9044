//! A job's turn: it waits until there is room for it (`forks`, `throttle`).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room for one job; given back when dropped.
type Room = [Option<OwnedSemaphorePermit>; 2];

/// Room for a job, or its place in the queue.
pub(crate) enum Turn {
    Now(Room),
    Later(Pin<Box<dyn Future<Output = Room> + Send>>),
}

impl Turn {
    /// Asks for room. Turns come in the order in which they are asked for, however the jobs are spread over threads.
    pub(crate) fn ask(throttle: Option<Arc<Semaphore>>, forks: Arc<Semaphore>) -> Self {
        // The semaphores are never closed, so a permit always comes.
        let room = async move {
            let own = match throttle {
                Some(throttle) => throttle.acquire_owned().await.ok(),
                None => None,
            };
            [own, forks.acquire_owned().await.ok()]
        };
        // A first look takes the place in the queue; whoever waits for the turn is woken by its own looks.
        let mut room: Pin<Box<dyn Future<Output = Room> + Send>> = Box::pin(tokio::task::unconstrained(room));
        match room.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(room) => Self::Now(room),
            Poll::Pending => Self::Later(room),
        }
    }

    pub(crate) async fn come(self) -> Room {
        match self {
            Self::Now(room) => room,
            Self::Later(room) => room.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn turns_come_in_the_order_in_which_they_are_asked_for() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        for throttle in [None, Some(Arc::new(Semaphore::new(1)))] {
            let forks = Arc::new(Semaphore::new(1));
            let order = Arc::new(Mutex::new(Vec::new()));
            runtime.block_on(async {
                let mut jobs = tokio::task::JoinSet::new();
                for job in 0..500 {
                    let (turn, order) = (Turn::ask(throttle.clone(), forks.clone()), order.clone());
                    jobs.spawn(async move {
                        let room = turn.come().await;
                        order.lock().unwrap().push(job);
                        drop(room);
                    });
                }
                jobs.join_all().await;
            });
            assert_eq!(*order.lock().unwrap(), Vec::from_iter(0..500));
        }
    }
}
