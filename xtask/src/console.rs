//! The one place that prints: standard output for what a chore says, standard error for its last word on failure.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks on its console")]

use std::time::{Duration, Instant};

/// Prints a block of text, with one newline at its end.
pub fn print(text: &str) {
    println!("{}", text.trim_end());
}

/// Prints the headline over a step's own output.
pub fn headline(title: &str) {
    println!("\n==> {title}");
}

/// Prints why the chore failed.
pub fn error(text: &str) {
    eprintln!("error: {text}");
}

/// Runs `work` and says how long it took.
#[expect(clippy::disallowed_methods, reason = "a step's duration is real time and decides nothing")]
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// A duration as a reader wants it: `0.4 s`, `47 s`, `3 min 08 s`.
pub fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "0.0 s")]
    #[case(440, "0.4 s")]
    #[case(9_900, "9.9 s")]
    #[case(10_000, "10 s")]
    #[case(59_999, "59 s")]
    #[case(188_000, "3 min 08 s")]
    #[case(3_600_000, "60 min 00 s")]
    fn durations_read_well(#[case] ms: u64, #[case] expected: &str) {
        assert_eq!(human(Duration::from_millis(ms)), expected);
    }
}
