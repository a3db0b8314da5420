//! A folder in memory that notes every change of its files in order: a file system that is mounted through FUSE.
//!
//! The kernel hands each `write` on as it is (no write-back), from whatever process, so that what is noted is what the
//! store asked for. Files named `*-shm` are SQLite's shared memory, which no restart reads; they are not noted.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags,
    Generation, INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyStatfs, ReplyWrite, Request, Session, TimeOrNow, WriteFlags,
};

use super::tape::{Change, Image};

/// Nobody else changes anything, so the kernel may remember.
const TTL: Duration = Duration::from_secs(600);
/// Files are numbered after the folder.
const FIRST: u64 = INodeNo::ROOT.0 + 1;
const UNNOTED: &str = "-shm";
const BLOCK: u32 = 4_096;

/// What was noted, and the files as they are.
#[derive(Debug, Default)]
struct Tape {
    image: Image,
    changes: Vec<Change>,
    unnoted: Vec<u64>,
}

impl Tape {
    fn take(&mut self, change: Change) {
        self.image.apply(&change);
        let (Change::Write { file, .. }
        | Change::Resize { file, .. }
        | Change::Sync { file }
        | Change::Create { file, .. }) = &change
        else {
            return self.changes.push(change);
        };
        if !self.unnoted.contains(file) {
            self.changes.push(change);
        }
    }

    fn next_file(&self) -> u64 {
        self.image.files.last_key_value().map_or(FIRST, |(last, _)| last + 1)
    }
}

/// The folder while it is mounted.
pub(crate) struct Recorder {
    tape: Arc<Mutex<Tape>>,
    session: BackgroundSession,
}

impl Recorder {
    /// Mounts an empty folder; refused where FUSE is not there or not allowed.
    pub(crate) fn mount(folder: &Path) -> io::Result<Self> {
        let tape = Arc::<Mutex<Tape>>::default();
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("recorder".to_owned()), MountOption::NoExec];
        let session = Session::new(Files(Arc::clone(&tape)), folder, &config)?.spawn()?;
        Ok(Self { tape, session })
    }

    /// Unmounts the folder; returns all that was noted.
    pub(crate) fn end(self) -> io::Result<Vec<Change>> {
        self.session.umount_and_join()?;
        Ok(std::mem::take(&mut lock(&self.tape).changes))
    }
}

fn lock(tape: &Mutex<Tape>) -> MutexGuard<'_, Tape> {
    tape.lock().unwrap_or_else(PoisonError::into_inner)
}

fn attributes(ino: INodeNo, length: usize) -> FileAttr {
    let is_folder = ino == INodeNo::ROOT;
    FileAttr {
        ino,
        size: length as u64,
        blocks: length.div_ceil(512) as u64,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: if is_folder { FileType::Directory } else { FileType::RegularFile },
        perm: if is_folder { 0o755 } else { 0o644 },
        nlink: if is_folder { 2 } else { 1 },
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: BLOCK,
        flags: 0,
    }
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn to_text(name: &OsStr) -> String {
    name.to_string_lossy().into_owned()
}

/// What the kernel asks of the folder. One thread answers, so the order of the changes is one.
struct Files(Arc<Mutex<Tape>>);

impl Files {
    fn tape(&self) -> MutexGuard<'_, Tape> {
        lock(&self.0)
    }

    fn attributes(&self, ino: INodeNo) -> Option<FileAttr> {
        let length = self.tape().image.files.get(&ino.0).map(Vec::len);
        (ino == INodeNo::ROOT).then_some(0).or(length).map(|length| attributes(ino, length))
    }
}

impl Filesystem for Files {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let file = self.tape().image.names.get(&to_text(name)).copied();
        match file.and_then(|file| self.attributes(INodeNo(file))) {
            Some(attributes) => reply.entry(&TTL, &attributes, Generation(0)),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.attributes(ino) {
            Some(attributes) => reply.attr(&TTL, &attributes),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn setattr(
        &self,
        request: &Request,
        ino: INodeNo,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<std::time::SystemTime>,
        handle: Option<FileHandle>,
        _: Option<std::time::SystemTime>,
        _: Option<std::time::SystemTime>,
        _: Option<std::time::SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        if let Some(size) = size {
            self.tape().take(Change::Resize { file: ino.0, length: to_usize(size) });
        }
        self.getattr(request, ino, handle, reply);
    }

    fn create(&self, _: &Request, _: INodeNo, name: &OsStr, _: u32, _: u32, _: i32, reply: ReplyCreate) {
        let mut tape = self.tape();
        let (name, file) = (to_text(name), tape.next_file());
        if name.ends_with(UNNOTED) {
            tape.unnoted.push(file);
        }
        tape.take(Change::Create { name, file });
        let attributes = attributes(INodeNo(file), 0);
        reply.created(&TTL, &attributes, Generation(0), FileHandle(0), FopenFlags::empty());
    }

    fn unlink(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.tape().take(Change::Remove { name: to_text(name) });
        reply.ok();
    }

    fn rename(
        &self,
        _: &Request,
        _: INodeNo,
        from: &OsStr,
        _: INodeNo,
        to: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        if !flags.is_empty() {
            return reply.error(Errno::EINVAL);
        }
        self.tape().take(Change::Rename { from: to_text(from), to: to_text(to) });
        reply.ok();
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let tape = self.tape();
        let content = tape.image.files.get(&ino.0).map_or(&[][..], Vec::as_slice);
        let start = to_usize(offset).min(content.len());
        let end = (start + size as usize).min(content.len());
        reply.data(&content[start..end]);
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        self.tape().take(Change::Write { file: ino.0, at: to_usize(offset), bytes: data.to_vec() });
        reply.written(u32::try_from(data.len()).unwrap_or(u32::MAX));
    }

    fn fallocate(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        if mode != 0 {
            return reply.error(Errno::EOPNOTSUPP);
        }
        let mut tape = self.tape();
        let now = tape.image.files.get(&ino.0).map_or(0, Vec::len);
        let length = to_usize(offset.saturating_add(length)).max(now);
        tape.take(Change::Resize { file: ino.0, length });
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.tape().take(Change::Sync { file: ino.0 });
        reply.ok();
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.tape().take(Change::SyncNames);
        reply.ok();
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn readdir(&self, _: &Request, _: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let tape = self.tape();
        let own = [".", ".."].map(|name| (INodeNo::ROOT, FileType::Directory, name.to_owned()));
        let files = tape.image.names.iter();
        let files = files.map(|(name, file)| (INodeNo(*file), FileType::RegularFile, name.clone()));
        for (index, (ino, kind, name)) in (1..).zip(own.into_iter().chain(files)) {
            if index > offset && reply.add(ino, index, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    /// A disk with room.
    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let blocks = 1 << 22;
        reply.statfs(blocks, blocks, blocks, 1 << 20, 1 << 20, BLOCK, 255, BLOCK);
    }
}
