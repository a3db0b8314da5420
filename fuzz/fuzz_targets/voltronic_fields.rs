//! Answers whose checksum is good, whatever they say.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ohmstead_drivers::voltronic::fuzzing;

fuzz_target!(|bytes: &[u8]| fuzzing::fields(bytes));
