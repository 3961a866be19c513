//! The ABI's encoding of header maps: little-endian counts and lengths first, then NUL-ended bytes.

/// One header: name and value as bytes, since neither has to be UTF-8.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);

/// Envoy takes a larger blob from a plugin as empty.
const MAX_BYTES: usize = 1 << 20;
/// Envoy takes a longer list from a plugin as empty.
const MAX_PAIRS: usize = 1024;

/// Encodes pairs for the plugin. No pairs are no bytes, as in Envoy.
pub(crate) fn encode(pairs: &[Pair]) -> Vec<u8> {
    if pairs.is_empty() {
        return Vec::new();
    }
    let lengths = pairs
        .iter()
        .flat_map(|(name, value)| [name.len(), value.len()]);
    let mut out = Vec::new();
    for number in std::iter::once(pairs.len()).chain(lengths) {
        // The plugin's memory ends at 4 GiB, so a longer header cannot be handed over anyway.
        out.extend_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
    }
    for (name, value) in pairs {
        out.extend_from_slice(name);
        out.push(0);
        out.extend_from_slice(value);
        out.push(0);
    }
    out
}

/// Decodes what a plugin passes. Anything malformed or over Envoy's limits is an empty list, which
/// is how Envoy silently drops such headers.
pub(crate) fn decode(blob: &[u8]) -> Vec<Pair> {
    if blob.len() > MAX_BYTES {
        return Vec::new();
    }
    parse(blob).unwrap_or_default()
}

fn parse(blob: &[u8]) -> Option<Vec<Pair>> {
    let mut lengths = blob;
    let count = take_u32(&mut lengths)?;
    if count > MAX_PAIRS {
        return None;
    }
    let mut bytes = lengths.get(count.checked_mul(8)?..)?;
    let mut pairs = Vec::with_capacity(count);
    for _ in 0..count {
        let (name, value) = (take_u32(&mut lengths)?, take_u32(&mut lengths)?);
        pairs.push((take_text(&mut bytes, name)?, take_text(&mut bytes, value)?));
    }
    Some(pairs)
}

fn take_u32(from: &mut &[u8]) -> Option<usize> {
    let (number, rest) = from.split_first_chunk::<4>()?;
    *from = rest;
    usize::try_from(u32::from_le_bytes(*number)).ok()
}

fn take_text(from: &mut &[u8], length: usize) -> Option<Vec<u8>> {
    let (text, rest) = from.split_at_checked(length)?;
    let (nul, rest) = rest.split_first()?;
    *from = rest;
    (*nul == 0).then(|| text.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_are_those_of_the_specification() {
        let pairs = vec![(b"a".to_vec(), b"bc".to_vec())];
        assert_eq!(encode(&pairs), b"\x01\0\0\0\x01\0\0\0\x02\0\0\0a\0bc\0");
    }

    #[test]
    fn more_pairs_than_envoy_takes_count_as_none() {
        assert_eq!(decode(&encode(&vec![Pair::default(); 1024])).len(), 1024);
        assert!(decode(&encode(&vec![Pair::default(); 1025])).is_empty());
    }

    proptest! {
        #[test]
        fn decoding_inverts_encoding(pairs: Vec<(Vec<u8>, Vec<u8>)>) {
            prop_assert_eq!(decode(&encode(&pairs)), pairs);
        }

        #[test]
        fn any_bytes_decode_without_panic(blob: Vec<u8>) {
            decode(&blob);
        }
    }
}
