//! The cable end of a simulated unit: where a front end takes hold of it.

/// The cable end of one simulated unit: what a front end (packet socket, pty, FUSE file, a test in virtual time) carries. Time is the house's, ms.
pub trait Port: Send {
    /// Bytes from a client. On USB one report of 1..=8 bytes a call (longer = what a SET_REPORT-only bridge truncates to 8), on a serial line any run.
    fn receive(&mut self, now_ms: i64, bytes: &[u8]);
    /// When the next bytes to the client are due, if any are on their way.
    fn due_ms(&self) -> Option<i64>;
    /// The bytes due by now, one item per 8-byte HID report (zero padded) on USB; on a serial line the items are runs of bytes.
    fn take(&mut self, now_ms: i64) -> Vec<Vec<u8>>;
    /// The number N of /dev/hidrawN that the unit has at present; None while it is unplugged. Changes with a fault `re-enumerate`.
    fn node(&mut self, now_ms: i64) -> Option<u32>;
    /// Port reset (USB `authorized` 0 then 1): a wedged unit lives again after ~1.5 s without node.
    fn reset(&mut self, now_ms: i64);
}
