//! Variable-length integers: LEB128, signed ones zigzag. A reader takes any bytes and never panics.

/// Bytes that are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Undecodable;

/// Appends an unsigned integer, seven bits a byte, lowest first.
pub(crate) fn put_unsigned(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Appends a signed integer: small magnitudes are short.
pub(crate) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_unsigned(out, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

/// Appends a length.
pub(crate) fn put_len(out: &mut Vec<u8>, len: usize) {
    put_unsigned(out, len as u64);
}

/// Appends a length and so many bytes.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_len(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Reads what the `put_` functions wrote.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn unsigned(&mut self) -> Result<u64, Undecodable> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or(Undecodable)?;
            self.0 = rest;
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Undecodable)
    }

    pub(crate) fn signed(&mut self) -> Result<i64, Undecodable> {
        let number = self.unsigned()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// A length or count of things that each take at least one of the remaining bytes.
    pub(crate) fn len(&mut self) -> Result<usize, Undecodable> {
        let len = self.count()?;
        if len <= self.0.len() { Ok(len) } else { Err(Undecodable) }
    }

    /// A count of things that may take no byte at all.
    pub(crate) fn count(&mut self) -> Result<usize, Undecodable> {
        usize::try_from(self.unsigned()?).map_err(|_| Undecodable)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Undecodable> {
        let len = self.len()?;
        self.take(len)
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Undecodable> {
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(Undecodable)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Undecodable> {
        let (&byte, rest) = self.0.split_first().ok_or(Undecodable)?;
        self.0 = rest;
        Ok(byte)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn integers_come_out_as_they_went_in(numbers in prop::collection::vec(any::<i64>(), 0..20)) {
            let mut out = Vec::new();
            for number in &numbers {
                put_signed(&mut out, *number);
                put_unsigned(&mut out, number.cast_unsigned());
            }
            let mut cursor = Cursor(&out);
            for number in &numbers {
                prop_assert_eq!(cursor.signed(), Ok(*number));
                prop_assert_eq!(cursor.unsigned(), Ok(number.cast_unsigned()));
            }
            prop_assert!(cursor.0.is_empty());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut cursor = Cursor(&bytes);
            while cursor.signed().is_ok() {}
            let mut cursor = Cursor(&bytes);
            while cursor.bytes().is_ok() {}
        }
    }
}
