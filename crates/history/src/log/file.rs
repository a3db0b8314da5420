//! The two files of the head log.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The names of the two files in the data folder.
pub(crate) const NAMES: [&str; 2] = ["head-a.log", "head-b.log"];

const MAGIC: [u8; 8] = *b"OHMSHEAD";
const VERSION: u32 = 1;

/// Bytes before the first frame.
pub(crate) const HEADER: usize = 64;

/// By how much a file is made longer at a time: what a day of a small house takes, or a quarter of a day of a full load.
const GROWTH: u64 = 256 << 10;

/// A log file as it was found.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) path: PathBuf,
    /// Which of the two.
    pub(crate) index: usize,
    /// `None` if it holds no header of ours: it is new, or its first write never ended.
    pub(crate) generation: Option<u64>,
    /// Everything behind the header.
    pub(crate) frames: Vec<u8>,
}

/// Both files; one is written.
#[derive(Debug)]
pub(crate) struct Files {
    folder: PathBuf,
    store: u64,
    active: Option<Active>,
}

#[derive(Debug)]
struct Active {
    index: usize,
    file: File,
    /// Where the next frame goes.
    end: u64,
    length: u64,
}

/// A header, and whether it is that of another store.
enum Header {
    Ours(u64),
    Foreign,
    /// The file is new, or its first write never ended.
    None,
    Damaged,
}

/// Bytes of one copy of the header; there are two, so that one flipped bit does not cost the day.
const COPY: usize = HEADER / 2;

fn header(generation: u64, store: u64) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    for copy in bytes.chunks_exact_mut(COPY) {
        copy[..8].copy_from_slice(&MAGIC);
        copy[8..12].copy_from_slice(&VERSION.to_le_bytes());
        copy[12..20].copy_from_slice(&generation.to_le_bytes());
        copy[20..28].copy_from_slice(&store.to_le_bytes());
        let checksum = crc32c::crc32c(&copy[..28]);
        copy[28..].copy_from_slice(&checksum.to_le_bytes());
    }
    bytes
}

fn read_header(bytes: &[u8], store: u64) -> Header {
    let copies = bytes.get(..HEADER).unwrap_or_default().chunks_exact(COPY);
    let sound = copies.filter_map(|copy| {
        let number = |at: usize| copy.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
        let (generation, theirs) = (number(12)?, number(20)?);
        (copy == &header(generation, theirs)[..COPY]).then_some((generation, theirs))
    });
    match sound.max() {
        Some((generation, theirs)) if theirs == store => Header::Ours(generation),
        Some(_) => Header::Foreign,
        None if bytes.iter().take(HEADER).all(|byte| *byte == 0) => Header::None,
        None => Header::Damaged,
    }
}

impl Files {
    /// Reads both files in `folder`; of which store they must be is `store`. A file of another store (a backup was put in
    /// the place of the database) is moved aside and not read.
    pub(crate) fn open(folder: &Path, store: u64) -> io::Result<(Self, Vec<Opened>)> {
        for name in NAMES {
            let path = folder.join(name);
            let mut start = [0; HEADER];
            match File::open(&path).and_then(|file| file.read_exact_at(&mut start, 0)) {
                Ok(()) => {}
                Err(error)
                    if [io::ErrorKind::NotFound, io::ErrorKind::UnexpectedEof].contains(&error.kind()) =>
                {
                    continue;
                }
                Err(error) => return Err(error),
            }
            let why = match read_header(&start, store) {
                Header::Ours(_) | Header::None => continue,
                Header::Foreign => "of-another-store",
                Header::Damaged => "damaged",
            };
            let aside = free_name(&path, why);
            tracing::warn!(target: "store", from = %path.display(), to = %aside.display(), why,
                "a head log is not of this history, or its beginning is damaged: it is moved aside and not read");
            std::fs::rename(&path, aside)?;
        }
        let found = Self::read(folder, store)?;
        Ok((Self { folder: folder.to_owned(), store, active: None }, found))
    }

    /// What both files in `folder` hold, the older first.
    pub(crate) fn read(folder: &Path, store: u64) -> io::Result<Vec<Opened>> {
        let mut found = Vec::new();
        for (index, name) in NAMES.into_iter().enumerate() {
            let path = folder.join(name);
            let bytes = match std::fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let generation = match read_header(&bytes, store) {
                Header::Ours(generation) => Some(generation),
                Header::None | Header::Foreign | Header::Damaged => None,
            };
            let frames = bytes.get(HEADER..).unwrap_or_default().to_vec();
            found.push(Opened { path, index, generation, frames });
        }
        found.sort_by_key(|opened| opened.generation);
        Ok(found)
    }

    /// The file that is written, or the first of the two.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(NAMES[self.active.as_ref().map_or(0, |active| active.index)])
    }

    /// Goes on writing file `index` behind `end` bytes of frames.
    pub(crate) fn resume(&mut self, index: usize, end: usize) -> io::Result<()> {
        let file = OpenOptions::new().read(true).write(true).open(self.folder.join(NAMES[index]))?;
        let length = file.metadata()?.len();
        self.active = Some(Active { index, file, end: (HEADER + end) as u64, length });
        Ok(())
    }

    /// Begins generation `generation` with `frames` in the file whose turn it is; durable when this returns. The other file
    /// stays as it is.
    pub(crate) fn begin(&mut self, generation: u64, frames: &[u8]) -> io::Result<()> {
        let index = self.active.as_ref().map_or(0, |active| 1 - active.index);
        let path = self.folder.join(NAMES[index]);
        let is_new = !path.exists();
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let length = file.metadata()?.len();
        let mut active = Active { index, file, end: HEADER as u64, length };
        active.make_room(HEADER + frames.len())?;
        active.file.write_all_at(frames, HEADER as u64)?;
        active.file.write_all_at(&header(generation, self.store), 0)?;
        active.file.sync_data()?;
        if is_new {
            File::open(&self.folder)?.sync_all()?;
        }
        active.end += frames.len() as u64;
        self.active = Some(active);
        Ok(())
    }

    /// Appends `frames`; durable when this returns. After a failure the same bytes may be given again.
    pub(crate) fn append(&mut self, frames: &[u8]) -> io::Result<()> {
        let Some(active) = &mut self.active else { return Err(io::ErrorKind::NotFound.into()) };
        active.make_room(frames.len())?;
        active.file.write_all_at(frames, active.end)?;
        active.file.sync_data()?;
        active.end += frames.len() as u64;
        Ok(())
    }
}

impl Active {
    /// Makes the file long enough for `more` bytes and some zeros behind them: they are the end of the log.
    fn make_room(&mut self, more: usize) -> io::Result<()> {
        // Sixteen zeros at least, whatever was there before.
        let needed = self.end + more as u64 + 16;
        if needed <= self.length {
            return Ok(());
        }
        let grown = self.lengthen(needed.div_ceil(GROWTH) * GROWTH);
        // A disk that is nearly full may still have room for this commit.
        if grown.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::StorageFull) {
            return self.lengthen(needed);
        }
        grown
    }

    fn lengthen(&mut self, target: u64) -> io::Result<()> {
        let zeros = vec![0; 64 << 10];
        let mut at = self.length;
        while at < target {
            let part = usize::try_from(target - at).unwrap_or(usize::MAX).min(zeros.len());
            self.file.write_all_at(&zeros[..part], at)?;
            at += part as u64;
            self.length = at;
        }
        Ok(())
    }
}

/// `path` with `what` and, if need be, a number behind it: a name that nothing has.
pub(crate) fn free_name(path: &Path, what: &str) -> PathBuf {
    let named = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(if number == 0 { format!(".{what}") } else { format!(".{what}-{number}") });
        PathBuf::from(name)
    };
    (0..10_000).map(named).find(|path| !path.exists()).unwrap_or_else(|| named(10_000))
}
