//! The only place that writes to standard output and standard error.

use std::io::{self, Write};

/// Writes `text` and a line end to standard output. A reader that has gone (`| head`) is no error.
pub(crate) fn out(text: impl AsRef<str>) -> io::Result<()> {
    write_line(&mut io::stdout().lock(), text.as_ref())
}

/// Writes `text` and a line end to standard error. There is nobody to tell where that fails.
pub(crate) fn err(text: impl AsRef<str>) {
    let _ = write_line(&mut io::stderr().lock(), text.as_ref());
}

fn write_line(to: &mut impl Write, text: &str) -> io::Result<()> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    match writeln!(to, "{text}").and_then(|()| to.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Standard output, for a verb that writes a file there.
pub(crate) fn stdout() -> impl Write + Send {
    io::stdout()
}
