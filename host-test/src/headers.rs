//! A header map with the semantics of Envoy's: lower-case names, order kept, repeats kept.

use crate::pairs::Pair;

/// Request or response headers, pseudo-headers included and first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Headers(Vec<Pair>);

impl Headers {
    /// The first value of `name`, which has to be in lower case.
    pub(crate) fn first(&self, name: &[u8]) -> Option<&[u8]> {
        self.0
            .iter()
            .find(|(each, _)| each == name)
            .map(|(_, value)| value.as_slice())
    }

    /// Adds a value; other values of the same name stay.
    pub(crate) fn add(&mut self, name: &[u8], value: &[u8]) {
        self.0.push((name.to_ascii_lowercase(), value.to_vec()));
    }

    /// Makes `value` the only value of `name`. It moves to the end, as in Envoy's `setCopy`.
    pub(crate) fn set(&mut self, name: &[u8], value: &[u8]) {
        self.remove(name);
        self.add(name, value);
    }

    /// Removes every value of `name`.
    pub(crate) fn remove(&mut self, name: &[u8]) {
        let name = name.to_ascii_lowercase();
        self.0.retain(|(each, _)| *each != name);
    }

    /// Replaces the whole map.
    pub(crate) fn replace_all(&mut self, pairs: Vec<Pair>) {
        self.0.clear();
        for (name, value) in pairs {
            self.add(&name, &value);
        }
    }

    /// All headers in order.
    pub(crate) fn pairs(&self) -> &[Pair] {
        &self.0
    }

    /// The number of headers, as the callbacks report it.
    pub(crate) fn count(&self) -> u32 {
        saturate(self.0.len())
    }

    /// Bytes of all names and values: what `proxy_get_header_map_size` and Envoy's limit count.
    pub(crate) fn byte_size(&self) -> usize {
        self.0
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum()
    }
}

/// A size as the ABI's 32-bit word.
pub(crate) fn saturate(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_and_repeats_keep_their_order() {
        let mut headers = Headers::default();
        headers.add(b"X-A", b"1");
        headers.add(b"x-a", b"2");
        assert_eq!(headers.first(b"x-a"), Some(&b"1"[..]));
        assert_eq!(headers.count(), 2);
    }

    #[test]
    fn set_leaves_one_value() {
        let mut headers = Headers::default();
        headers.add(b"x-a", b"1");
        headers.add(b"x-a", b"2");
        headers.set(b"X-A", b"3");
        assert_eq!(headers.pairs(), [(b"x-a".to_vec(), b"3".to_vec())]);
    }
}
