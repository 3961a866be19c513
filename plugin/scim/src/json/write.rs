//! The tokens that the writers of resources and messages put out.

/// Writes a string with its quotes. Only what RFC 8259 §7 demands is escaped.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    const HEX: [u8; 16] = *b"0123456789abcdef";
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend(br"\n"),
            b'\r' => out.extend(br"\r"),
            b'\t' => out.extend(br"\t"),
            0..0x20 => {
                out.extend(br"\u00");
                for digit in [byte >> 4, byte & 0xf] {
                    out.extend(HEX.get(usize::from(digit)));
                }
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// Writes a decimal so that it reads back as the same number; one that JSON
/// cannot hold (no parser gives one) as `null`.
pub(crate) fn write_number(out: &mut Vec<u8>, number: f64) {
    if number.is_finite() {
        out.extend(format!("{number:?}").bytes());
    } else {
        out.extend(b"null");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_string_reads_back_as_written(text in any::<String>()) {
            let mut out = Vec::new();
            write_string(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn a_decimal_reads_back_as_written(number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
            let mut out = Vec::new();
            write_number(&mut out, number);
            let parsed = crate::json::parse(&out, 1).unwrap();
            prop_assert_eq!(parsed, crate::json::Json::Decimal(number));
        }
    }
}
