//! Clocks, sizes, memory: what the figures are read from.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::time::{ClockId, clock_gettime};

/// Time that some work took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Took {
    pub(crate) wall: Duration,
    /// On processors, of the whole process.
    pub(crate) cpu: Duration,
}

impl std::ops::AddAssign for Took {
    fn add_assign(&mut self, other: Self) {
        self.wall += other.wall;
        self.cpu += other.cpu;
    }
}

impl Took {
    pub(crate) fn less(self, other: Self) -> Self {
        Self { wall: self.wall.saturating_sub(other.wall), cpu: self.cpu.saturating_sub(other.cpu) }
    }
}

#[expect(clippy::disallowed_methods, reason = "it measures real time")]
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Took) {
    let (wall, cpu) = (Instant::now(), on_processor());
    let done = work();
    (done, Took { wall: wall.elapsed(), cpu: on_processor().saturating_sub(cpu) })
}

fn on_processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[expect(clippy::disallowed_methods, reason = "another program needs real time to get ready")]
pub(crate) fn wait(span: Duration) {
    std::thread::sleep(span);
}

/// Room that the files of a folder take on the disk: their blocks, or their length where that is more.
pub(crate) fn bytes_of(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("cannot look into {}", folder.display()))? {
        let entry = entry?;
        // A database at work deletes files under our eyes.
        let Ok(metadata) = entry.metadata() else { continue };
        bytes += if metadata.is_dir() {
            bytes_of(&entry.path()).unwrap_or(0)
        } else {
            metadata.len().max(metadata.blocks() * 512)
        };
    }
    Ok(bytes)
}

/// Memory of a process, MB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) resident: f64,
    pub(crate) highest: f64,
}

impl Memory {
    /// Of the process with this id, or of this one (`self`).
    pub(crate) fn of(process: &str) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let field = |name: &str| -> Result<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such line")?;
            Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? * 1024.0 / 1e6)
        };
        Ok(Self { resident: field("VmRSS:")?, highest: field("VmHWM:")? })
    }
}

/// The middle one and the 95th of a hundred, ms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) p50: f64,
    pub(crate) p95: f64,
}

impl Spread {
    pub(crate) fn of(mut took: Vec<Duration>) -> Self {
        took.sort();
        let at = |hundredth: usize| {
            took.get((took.len() * hundredth / 100).min(took.len().saturating_sub(1)))
                .map_or(f64::NAN, |took| took.as_secs_f64() * 1000.0)
        };
        Self { p50: at(50), p95: at(95) }
    }
}
