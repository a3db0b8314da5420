//! Reading CSV (RFC 4180), one record in memory at once, each field with the place where it begins.
//!
//! Fields stand between commas (or semicolons, if the first line has more of those); one in quotes may hold separators,
//! line ends and doubled quotes. Blank lines and a byte order mark are skipped. Blanks around a field without quotes do
//! not count.

use std::io::{self, BufRead};
use std::ops::Range;

use super::{Place, Wrong};

/// The longest record, bytes: a download of VRM has a few hundred columns.
const RECORD_MAX: usize = 1 << 20;

/// Why there is no next record.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CsvError {
    /// The text is no CSV.
    #[error(transparent)]
    Wrong(#[from] Wrong),
    /// The file cannot be read.
    #[error("cannot be read")]
    Read(#[source] io::Error),
}

/// One record. Reused, so that reading a file allocates no memory per line.
#[derive(Debug, Default)]
pub(crate) struct Record {
    text: String,
    fields: Vec<Field>,
}

#[derive(Debug, Clone)]
struct Field {
    range: Range<usize>,
    place: Place,
}

impl Record {
    /// How many fields it has.
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    /// A field and where it begins. One that is not there is empty, at the end of the record.
    pub(crate) fn get(&self, index: usize) -> (&str, Place) {
        match self.fields.get(index).or(self.fields.last()) {
            Some(field) if index < self.fields.len() => (&self.text[field.range.clone()], field.place),
            Some(last) => ("", last.place),
            None => ("", Place { line: 1, column: 1 }),
        }
    }

    /// All fields with their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Place)> {
        self.fields.iter().map(|field| (&self.text[field.range.clone()], field.place))
    }
}

/// Where in a field the reader is.
#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Before its first character.
    Start,
    /// Within one without quotes.
    Plain,
    /// Within quotes.
    Quoted,
    /// Behind the quote that may end it.
    Behind,
}

/// The records of a file.
pub(crate) struct Records<R> {
    input: R,
    separator: u8,
    place: Place,
}

impl<R: BufRead> Records<R> {
    pub(crate) fn new(mut input: R) -> Result<Self, CsvError> {
        let begin = input.fill_buf().map_err(CsvError::Read)?;
        let has_mark = begin.starts_with(b"\xef\xbb\xbf");
        let separator = separator(begin);
        if has_mark {
            input.consume(3);
        }
        Ok(Self { input, separator, place: Place { line: 1, column: 1 } })
    }

    /// Reads the next record that is not blank; `false` at the end.
    pub(crate) fn read(&mut self, record: &mut Record) -> Result<bool, CsvError> {
        loop {
            let mut reading = Reading::new(self.separator, self.place);
            let is_end = self.read_one(&mut reading)?;
            self.place = reading.place;
            let is_blank = reading.fields.is_empty() || reading.is_blank();
            if !is_blank {
                reading.finish(record)?;
                return Ok(true);
            }
            if is_end {
                return Ok(false);
            }
        }
    }

    /// Reads to the end of a record; `true` if it is the end of the file too.
    fn read_one(&mut self, reading: &mut Reading) -> Result<bool, CsvError> {
        loop {
            let bytes = match self.input.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(CsvError::Read(error)),
            };
            if bytes.is_empty() {
                reading.end()?;
                return Ok(true);
            }
            let mut used = 0;
            let mut is_done = false;
            for byte in bytes {
                used += 1;
                if reading.take(*byte)? {
                    is_done = true;
                    break;
                }
            }
            self.input.consume(used);
            if is_done {
                return Ok(false);
            }
        }
    }
}

/// What separates the fields of the first record: whichever of the two there is more of outside of quotes.
fn separator(begin: &[u8]) -> u8 {
    let (mut commas, mut semicolons, mut is_quoted) = (0, 0, false);
    for byte in begin {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' if !is_quoted => break,
            b',' if !is_quoted => commas += 1,
            b';' if !is_quoted => semicolons += 1,
            _ => {}
        }
    }
    if semicolons > commas { b';' } else { b',' }
}

/// A record being read.
struct Reading {
    separator: u8,
    state: State,
    bytes: Vec<u8>,
    fields: Vec<(Range<usize>, Place, bool)>,
    /// The next character's.
    place: Place,
    /// The present field's.
    begin: usize,
    began: Place,
    is_quoted: bool,
}

impl Reading {
    fn new(separator: u8, place: Place) -> Self {
        Self {
            separator,
            state: State::Start,
            bytes: Vec::new(),
            fields: Vec::new(),
            place,
            begin: 0,
            began: place,
            is_quoted: false,
        }
    }

    /// Takes one byte; `true` if the record ends with it.
    fn take(&mut self, byte: u8) -> Result<bool, Wrong> {
        let here = self.place;
        self.step(byte);
        match (self.state, byte) {
            (State::Quoted, b'"') => self.state = State::Behind,
            (State::Quoted, _) => self.push(byte)?,
            (State::Behind, b'"') => {
                self.push(byte)?;
                self.state = State::Quoted;
            }
            (_, b'\n') => {
                self.field();
                return Ok(true);
            }
            (_, byte) if byte == self.separator => self.field(),
            (State::Start, b'"') => {
                self.bytes.truncate(self.begin);
                (self.state, self.is_quoted) = (State::Quoted, true);
            }
            (State::Behind, b' ' | b'\t' | b'\r') => {}
            (State::Behind, _) => {
                return Err(Wrong::new(
                    here,
                    "text behind the quote that ends a field; a quote within is doubled",
                ));
            }
            (State::Start, b' ' | b'\t') => self.push(byte)?,
            _ => {
                self.state = State::Plain;
                self.push(byte)?;
            }
        }
        Ok(false)
    }

    fn step(&mut self, byte: u8) {
        if byte == b'\n' {
            self.place = Place { line: self.place.line + 1, column: 1 };
        } else if byte & 0xc0 != 0x80 {
            // Of a character of several bytes only the first counts.
            self.place.column += 1;
        }
    }

    fn push(&mut self, byte: u8) -> Result<(), Wrong> {
        if self.bytes.len() == RECORD_MAX {
            let what = format!("a line of more than {RECORD_MAX} bytes; is a quote not closed?");
            return Err(Wrong::new(self.began, what));
        }
        self.bytes.push(byte);
        Ok(())
    }

    fn field(&mut self) {
        self.fields.push((self.begin..self.bytes.len(), self.began, self.is_quoted));
        (self.begin, self.began) = (self.bytes.len(), self.place);
        (self.state, self.is_quoted) = (State::Start, false);
    }

    /// The end of the file ends the record.
    fn end(&mut self) -> Result<(), Wrong> {
        if self.state == State::Quoted {
            return Err(Wrong::new(self.began, "the quote that begins here is not closed"));
        }
        if !self.fields.is_empty() || self.begin < self.bytes.len() || self.is_quoted {
            self.field();
        }
        Ok(())
    }

    fn is_blank(&self) -> bool {
        match self.fields.as_slice() {
            [(range, _, is_quoted)] => !is_quoted && self.bytes[range.clone()].trim_ascii().is_empty(),
            _ => false,
        }
    }

    fn finish(self, record: &mut Record) -> Result<(), Wrong> {
        let Self { bytes, fields, .. } = self;
        record.fields.clear();
        for (range, place, is_quoted) in fields {
            let text = std::str::from_utf8(&bytes[range.clone()])
                .map_err(|_| Wrong::new(place, "the text is not UTF-8"))?;
            let range = if is_quoted {
                range
            } else {
                let start = range.start + (text.len() - text.trim_start().len());
                start..start + text.trim().len()
            };
            record.fields.push(Field { range, place });
        }
        // Each field is whole characters, and nothing is between them.
        record.text = String::from_utf8(bytes).expect("every field was checked");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn all(text: &[u8]) -> Result<Vec<Vec<String>>, CsvError> {
        let mut records = Records::new(text)?;
        let (mut record, mut rows) = (Record::default(), Vec::new());
        while records.read(&mut record)? {
            rows.push(record.iter().map(|(field, _)| field.to_owned()).collect());
        }
        Ok(rows)
    }

    #[rstest]
    #[case("a,b\n1, 2 \n", "a|b\n1|2")]
    #[case("\u{feff}a,b\r\n\r\n  \n1,2", "a|b\n1|2")]
    #[case("a;b\n1,5;2\n", "a|b\n1,5|2")]
    #[case("\"a,\"\"x\"\"\",b\n", "a,\"x\"|b")]
    #[case("\" a \" ,,\n", " a ||")]
    #[case("\"\"\n,\n", "\n|")]
    #[case("", "")]
    #[case("a\"b,c", "a\"b|c")]
    fn records_are_read(#[case] text: &str, #[case] rows: &str) {
        let found: Vec<String> = all(text.as_bytes()).unwrap().iter().map(|row| row.join("|")).collect();
        assert_eq!(found.join("\n"), rows);
    }

    #[rstest]
    #[case(b"a,b\n1,\"x\ny", "2:3: the quote that begins here is not closed")]
    #[case("é,\"b\" c\n".as_bytes(), "1:7: text behind the quote that ends a field; a quote within is doubled")]
    #[case(b"a\nb,\xff\n", "2:3: the text is not UTF-8")]
    fn what_is_wrong_has_a_place(#[case] text: &[u8], #[case] wrong: &str) {
        assert_eq!(all(text).unwrap_err().to_string(), wrong);
    }

    #[test]
    fn a_quote_that_is_never_closed_does_not_fill_the_memory() {
        let text = [b"\"".as_slice(), &vec![b'x'; RECORD_MAX + 10]].concat();
        assert!(all(&text).unwrap_err().to_string().starts_with("1:1: a line of more than 1048576 bytes"));
    }

    #[test]
    fn places_are_those_of_the_fields() {
        let mut records = Records::new("h,i\n\"a\nb\",ü,x\nz,,q".as_bytes()).unwrap();
        let mut record = Record::default();
        let mut places = Vec::new();
        while records.read(&mut record).unwrap() {
            places.push(record.iter().map(|(_, place)| place.to_string()).collect::<Vec<_>>().join(" "));
        }
        assert_eq!(places, ["1:1 1:3", "2:1 3:4 3:6", "4:1 4:3 4:4"]);
        assert_eq!(record.get(2).0, "q");
        assert_eq!(record.get(9), ("", Place { line: 4, column: 4 }));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = all(&bytes);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[a,;\"\\r\\n é]{0,80}") {
            let _ = all(text.as_bytes());
        }

        #[test]
        fn what_is_quoted_comes_back(fields in proptest::collection::vec("[ -~é\\n\\r]{0,12}", 2..6)) {
            let quoted: Vec<_> = fields.iter().map(|field| format!("\"{}\"", field.replace('"', "\"\""))).collect();
            prop_assert_eq!(all(format!("{}\n", quoted.join(",")).as_bytes()).unwrap(), vec![fields]);
        }
    }
}
