//! A datagram as it comes from the network, with and without knowing what was asked.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ohmstead_drivers::marstek::{Method, explain};

fuzz_target!(|bytes: &[u8]| {
    let _ = explain(bytes, None, None, None);
    for method in Method::ALL {
        let Ok(explained) = explain(bytes, Some(method), None, Some(150.0)) else { continue };
        for (metric, seen) in &explained.values {
            let number = seen.as_ref().ok().and_then(|value| value.number());
            assert!(number.is_none_or(f64::is_finite), "{metric} is {seen:?}");
        }
    }
});
