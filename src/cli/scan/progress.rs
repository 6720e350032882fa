//! The progress bar of a scan: bytes, rate and remaining time, on a terminal's standard error.

use std::io::{self, Read};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar, or nothing where it would disturb.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Progress(ProgressBar);

impl Progress {
    /// No bar.
    pub(in crate::cli) fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    /// A bar over so many bytes; without a total (standard input) only bytes and rate.
    pub(in crate::cli) fn over(bytes: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(bytes, ProgressDrawTarget::stderr_with_hz(8));
        let template = if bytes.is_some() {
            "{bar:30} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left"
        } else {
            "{spinner} {bytes}, {bytes_per_sec}"
        };
        // The template is a constant; should it ever be wrong, the default bar does.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        Self(bar)
    }

    /// Counts what is read through `reader`.
    pub(in crate::cli) fn wrap<R: Read>(&self, reader: R) -> Counted<R> {
        Counted { reader, bar: self.0.clone() }
    }

    /// Removes the bar.
    pub(in crate::cli) fn finish(&self) {
        self.0.finish_and_clear();
    }

    /// Runs `print` while the bar is out of the way.
    pub(in crate::cli) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }
}

/// A reader whose bytes move the bar.
pub(in crate::cli) struct Counted<R> {
    reader: R,
    bar: ProgressBar,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.bar.inc(u64::try_from(read).unwrap_or_default());
        Ok(read)
    }
}
