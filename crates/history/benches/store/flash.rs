//! What reaches the flash: ext4 on a loop device, whose own count of written sectors cannot miss anything (the count in
//! `/proc/self/io` is far off where the page cache has large folios). Needs root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// Of the file system. It is sparse.
const IMAGE_BYTES: u64 = 2 << 30;

/// A mounted file system of its own; it is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Flash {
    device: String,
    mount: PathBuf,
    mounted: bool,
}

/// Why there can be no measurement; `None` if there can.
pub(crate) fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("needs root for a loop device".to_owned());
    }
    run(Command::new("losetup").arg("--find")).err().map(|error| format!("{error:#}"))
}

impl Flash {
    /// A fresh one. Its files are in `folder`.
    pub(crate) fn mount(folder: &Path) -> Result<Self> {
        let (image, mount) = (folder.join("flash.img"), folder.join("flash"));
        fs::create_dir_all(&mount)?;
        fs::File::create(&image)?.set_len(IMAGE_BYTES)?;
        // Nothing of it is to be initialised later, behind our back.
        let whole = "lazy_itable_init=0,lazy_journal_init=0";
        run(Command::new("mkfs.ext4").args(["-q", "-F", "-E", whole]).arg(&image))?;
        let device = run(Command::new("losetup").args(["--find", "--show"]).arg(&image))?.trim().to_owned();
        let mut flash = Self { device, mount, mounted: false };
        run(Command::new("mount").args(["-t", "ext4", &flash.device]).arg(&flash.mount))?;
        flash.mounted = true;
        Ok(flash)
    }

    /// Where its files are.
    pub(crate) fn folder(&self) -> &Path {
        &self.mount
    }

    /// Lets the file system write all that waits.
    ///
    /// In life it does so by itself within half a minute; here a minute passes in a millisecond, and what is written twice
    /// in a minute would be written once.
    pub(crate) fn settle(&self) -> Result<()> {
        Ok(rustix::fs::syncfs(fs::File::open(&self.mount)?)?)
    }

    /// Bytes written to the device since it was made, all that waits included.
    pub(crate) fn written(&self) -> Result<u64> {
        self.settle()?;
        let name = self.device.rsplit('/').next().unwrap_or_default();
        let stat = fs::read_to_string(format!("/sys/block/{name}/stat"))?;
        let sectors = stat.split_whitespace().nth(6).context("no count of written sectors")?;
        Ok(sectors.parse::<u64>()? * 512)
    }
}

impl Drop for Flash {
    fn drop(&mut self) {
        if self.mounted {
            let _ = run(Command::new("umount").arg(&self.mount));
        }
        let _ = run(Command::new("losetup").args(["--detach", &self.device]));
    }
}

fn run(command: &mut Command) -> Result<String> {
    let path = std::env::var("PATH").unwrap_or_default();
    let output = command.env("PATH", format!("{path}:/usr/sbin:/sbin")).output();
    let output = output.with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
