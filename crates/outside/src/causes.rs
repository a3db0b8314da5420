//! An error in the words that its reader gets.

/// The error with its causes, in one line, no cause twice: libraries often repeat in their message what they name as its cause.
pub fn in_one_line(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    for cause in causes.map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Layer>>);

    impl fmt::Display for Layer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl std::error::Error for Layer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            self.1.as_ref().map(|cause| &**cause as _)
        }
    }

    #[test]
    fn every_cause_is_told_once() {
        let root = Layer("no route", None);
        let middle = Layer("cannot connect: no route", Some(Box::new(root)));
        let error = Layer("nothing was sent", Some(Box::new(middle)));
        assert_eq!(in_one_line(&error), "nothing was sent: cannot connect: no route");
    }
}
