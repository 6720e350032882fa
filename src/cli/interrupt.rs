//! Ctrl-C for commands that work on one thread: they are asked to stop, and left when they
//! cannot, such as while they wait for standard input.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::exit::Exit;
use super::failure::Failure;
use crate::functions::server::told_to_stop;

/// How long a command may take to stop by itself.
const GRACE: Duration = Duration::from_millis(700);

/// Whether Ctrl-C was pressed.
#[derive(Debug, Clone, Default)]
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Asked between two pieces of work.
    pub(super) fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `work` on its own thread and gives its result; `None` when Ctrl-C came and the work did
/// not end in time.
pub(super) fn until_interrupted<T: Send + 'static>(
    work: impl FnOnce(&Interrupt) -> T + Send + 'static,
) -> Result<Option<T>, Failure> {
    let cannot_start = |error: std::io::Error| {
        Failure::new(Exit::Configuration, "cannot start a runtime").because(error)
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot_start)?;
    // Before the work begins, so that no moment of it lets Ctrl-C end the process by itself.
    let told_to_stop = {
        let _within = runtime.enter();
        told_to_stop()
    };
    let interrupt = Interrupt::default();
    let seen_by_work = interrupt.clone();
    let (done, mut result) = tokio::sync::oneshot::channel();
    let worker = std::thread::Builder::new()
        .name("scan".into())
        .spawn(move || {
            // Nobody listens any more once the grace is over.
            let _ = done.send(work(&seen_by_work));
        })
        .map_err(cannot_start)?;
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = &mut result => return Some(ended),
            () = told_to_stop => interrupt.raise(),
        }
        tokio::time::timeout(GRACE, result).await.ok()
    });
    match ended {
        None => Ok(None),
        Some(Ok(value)) => Ok(Some(value)),
        // The worker panicked; so do we, with its message.
        Some(Err(_)) => match worker.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => Ok(None),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_ends_gives_its_result() {
        let answer = until_interrupted(|interrupt| (interrupt.is_raised(), 42));
        assert_eq!(answer.expect("runtime"), Some((false, 42)));
    }
}
