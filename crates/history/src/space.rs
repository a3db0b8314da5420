//! How much room the disk has left.

use std::io;
use std::path::Path;

use crate::trouble::Trouble;

/// Fails if the disk of `file` has less than `least` bytes left for us.
pub(crate) fn check(file: &Path, least: u64) -> Result<(), Trouble> {
    let folder = file.parent().unwrap_or(file);
    // Where that cannot be asked, writing will tell.
    let Ok(found) = rustix::fs::statvfs(folder) else { return Ok(()) };
    if found.f_bavail.saturating_mul(found.f_frsize) >= least {
        return Ok(());
    }
    Err(Trouble::of_file(file, io::ErrorKind::StorageFull.into()))
}
