//! Bytes as they come out of the port.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ohmstead_drivers::voltronic::fuzzing;

fuzz_target!(|bytes: &[u8]| {
    fuzzing::frames(bytes);
    fuzzing::payloads(bytes);
});
