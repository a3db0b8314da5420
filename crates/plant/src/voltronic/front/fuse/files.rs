//! What the kernel asks of the folder: one file at most, without any content of its own.

use std::ffi::OsStr;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo,
    IoctlFlags, LockOwner, OpenFlags, PollEvents, PollFlags, PollNotifier, ReplyAttr, ReplyData,
    ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyIoctl, ReplyOpen, ReplyPoll, ReplyWrite, Request, TimeOrNow,
    WriteFlags,
};
use rustix::fs::OFlags;

use super::desk::Desk;

/// Nothing is remembered by the kernel: the file may be gone the next moment.
const TTL: Duration = Duration::ZERO;
/// Inode numbers of the files begin after the folder's; each time of plugging has its own.
const FIRST_INODE: u64 = INodeNo::ROOT.0 + 1;

/// `HIDIOCGRAWINFO`: bus, vendor, product.
const RAW_INFO: u32 = 0x8008_4803;
/// USB, 0665:5161.
const IDENTITY: [u8; 8] = [0x03, 0, 0, 0, 0x65, 0x06, 0x61, 0x51];

/// The folder.
pub(super) struct Files {
    desk: Arc<Desk>,
    owner: (u32, u32),
}

impl Files {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let owner = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        Self { desk, owner }
    }

    fn attributes(&self, ino: INodeNo) -> Option<FileAttr> {
        let is_folder = ino == INodeNo::ROOT;
        if !is_folder && self.file().is_none_or(|(file, _)| file != ino) {
            return None;
        }
        Some(FileAttr {
            ino,
            size: 0,
            blocks: 0,
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind: if is_folder { FileType::Directory } else { FileType::RegularFile },
            perm: if is_folder { 0o755 } else { 0o600 },
            nlink: if is_folder { 2 } else { 1 },
            uid: self.owner.0,
            gid: self.owner.1,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        })
    }

    /// The file that there is now.
    fn file(&self) -> Option<(INodeNo, String)> {
        let (number, turn) = self.desk.plugged()?;
        Some((INodeNo(FIRST_INODE + turn), format!("hidraw{number}")))
    }

    fn answer(&self, ino: INodeNo, reply: ReplyAttr) {
        match self.attributes(ino) {
            Some(attributes) => reply.attr(&TTL, &attributes),
            None => reply.error(Errno::ENOENT),
        }
    }
}

impl Filesystem for Files {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let file = self.file().filter(|(_, known)| parent == INodeNo::ROOT && name == known.as_str());
        match file.and_then(|(ino, _)| self.attributes(ino)) {
            Some(attributes) => reply.entry(&TTL, &attributes, Generation(0)),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        self.answer(ino, reply);
    }

    /// A shell's `>` cuts the file off first, which means nothing to a device.
    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<std::time::SystemTime>,
        _: Option<FileHandle>,
        _: Option<std::time::SystemTime>,
        _: Option<std::time::SystemTime>,
        _: Option<std::time::SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        self.answer(ino, reply);
    }

    fn readdir(&self, _: &Request, ino: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        if ino != INodeNo::ROOT {
            return reply.error(Errno::ENOTDIR);
        }
        let own = [".", ".."].map(|name| (INodeNo::ROOT, FileType::Directory, name.to_owned()));
        let file = self.file().map(|(ino, name)| (ino, FileType::RegularFile, name));
        for (index, (ino, kind, name)) in (1..).zip(own.into_iter().chain(file)) {
            if index > offset && reply.add(ino, index, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn open(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match self.desk.open(ino.0.saturating_sub(FIRST_INODE)) {
            // Without a position, so that a read which waits does not hold up a write.
            Ok(handle) => {
                reply.opened(FileHandle(handle), FopenFlags::FOPEN_DIRECT_IO | FopenFlags::FOPEN_STREAM);
            }
            Err(error) => reply.error(error),
        }
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: u64,
        size: u32,
        flags: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let waits = flags.0.cast_unsigned() & OFlags::NONBLOCK.bits() == 0;
        self.desk.read(handle.0, size as usize, waits, reply);
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.desk.write(handle.0, data) {
            Ok(()) => reply.written(u32::try_from(data.len()).unwrap_or(u32::MAX)),
            Err(error) => reply.error(error),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn release(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        self.desk.close(handle.0);
        reply.ok();
    }

    fn ioctl(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        _: IoctlFlags,
        command: u32,
        _: &[u8],
        _: u32,
        reply: ReplyIoctl,
    ) {
        match command {
            RAW_INFO => reply.ioctl(0, &IDENTITY),
            // Those of a terminal among them.
            _ => reply.error(Errno::EINVAL),
        }
    }

    fn poll(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        waiter: PollNotifier,
        _: PollEvents,
        flags: PollFlags,
        reply: ReplyPoll,
    ) {
        let waiter = flags.contains(PollFlags::FUSE_POLL_SCHEDULE_NOTIFY).then_some(waiter);
        match self.desk.poll(handle.0, waiter) {
            Ok(events) => reply.poll(events),
            Err(error) => reply.error(error),
        }
    }
}
