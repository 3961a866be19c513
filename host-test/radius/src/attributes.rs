//! The attributes of a packet, in their order, vendors' among them (RFC 2865 §5.26).

use crate::dictionary::{Attribute, Number};
use crate::error::Error;

/// The bytes before an attribute's value: its number and its length.
const HEAD: usize = 2;
/// The most bytes that a value has.
pub(crate) const LARGEST_VALUE: usize = 253;
/// The number of the attribute that holds a vendor's.
const VENDOR_SPECIFIC: u8 = 26;

/// The attributes of a packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(Vec<(u8, Vec<u8>)>);

impl Attributes {
    /// Adds an attribute.
    ///
    /// # Errors
    /// [`Error::AttributeTooLong`].
    pub fn push<A: Attribute>(&mut self, attribute: &A, value: A::Value) -> Result<(), Error> {
        let (number, value) = wrap(attribute.number(), attribute.encode(value))?;
        self.0.push((number, value));
        Ok(())
    }

    /// The same, before all others.
    pub(crate) fn push_first<A: Attribute>(
        &mut self,
        attribute: &A,
        value: A::Value,
    ) -> Result<(), Error> {
        let (number, value) = wrap(attribute.number(), attribute.encode(value))?;
        self.0.insert(0, (number, value));
        Ok(())
    }

    /// The value of the first of these attributes that is of its type.
    #[must_use]
    pub fn first<A: Attribute>(&self, attribute: &A) -> Option<A::Value> {
        self.raw(attribute.number())
            .find_map(|bytes| attribute.decode(bytes))
    }

    /// The numbers of the attributes, in their order; a vendor's count as 26.
    pub fn numbers(&self) -> impl Iterator<Item = u8> {
        self.0.iter().map(|(number, _)| *number)
    }

    fn raw(&self, wanted: Number) -> impl Iterator<Item = &[u8]> {
        self.0
            .iter()
            .flat_map(move |(number, value)| match wanted.vendor {
                None if *number == wanted.number => vec![value.as_slice()],
                Some(vendor) if *number == VENDOR_SPECIFIC => {
                    of_vendor(value, vendor, wanted.number)
                }
                None | Some(_) => Vec::new(),
            })
    }

    /// The attributes as they are sent.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (number, value) in &self.0 {
            // `wrap` and `decode` let no longer value in.
            let length = u8::try_from(value.len() + HEAD).unwrap_or(u8::MAX);
            bytes.extend_from_slice(&[*number, length]);
            bytes.extend_from_slice(value);
        }
        bytes
    }

    pub(crate) fn decode(mut bytes: &[u8]) -> Result<Self, Error> {
        let mut attributes = Vec::new();
        while !bytes.is_empty() {
            let (number, value, rest) = split(bytes).ok_or(Error::AttributeLength)?;
            attributes.push((number, value.to_vec()));
            bytes = rest;
        }
        Ok(Self(attributes))
    }
}

/// An attribute as it stands in the list: a vendor's inside the attribute for those.
fn wrap(number: Number, value: Vec<u8>) -> Result<(u8, Vec<u8>), Error> {
    let (outer, value) = match number.vendor {
        None => (number.number, value),
        Some(vendor) => {
            let length = u8::try_from(value.len() + HEAD)
                .map_err(|_| Error::AttributeTooLong(value.len()))?;
            let mut wrapped = vendor.to_be_bytes().to_vec();
            wrapped.extend_from_slice(&[number.number, length]);
            wrapped.extend_from_slice(&value);
            (VENDOR_SPECIFIC, wrapped)
        }
    };
    if value.len() > LARGEST_VALUE {
        return Err(Error::AttributeTooLong(value.len()));
    }
    Ok((outer, value))
}

/// The values of a vendor's attribute in one Vendor-Specific; several may stand in it.
fn of_vendor(value: &[u8], vendor: u32, number: u8) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let Some((head, mut rest)) = value.split_first_chunk() else {
        return found;
    };
    if u32::from_be_bytes(*head) != vendor {
        return found;
    }
    while let Some((this, value, after)) = split(rest) {
        if this == number {
            found.push(value);
        }
        rest = after;
    }
    found
}

/// The first attribute's number and value, and what follows it.
fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[number, length], rest) = bytes.split_first_chunk()?;
    let (value, rest) = rest.split_at_checked(usize::from(length).checked_sub(HEAD)?)?;
    Some((number, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dictionary::{
        TUNNEL_PRIVATE_GROUP_ID, TUNNEL_TYPE, USER_NAME, VLAN, WISPR_BANDWIDTH_MAX_DOWN,
        WISPR_BANDWIDTH_MAX_UP,
    };

    #[test]
    fn value_of_253_bytes_fits_and_no_longer_one() {
        let mut attributes = Attributes::default();
        attributes.push(&USER_NAME, vec![b'x'; 253]).unwrap();
        assert_eq!(
            attributes.push(&USER_NAME, vec![b'x'; 254]),
            Err(Error::AttributeTooLong(254))
        );
        let bytes = attributes.encode();
        assert_eq!(Attributes::decode(&bytes), Ok(attributes));
    }

    #[test]
    fn several_attributes_of_a_vendor_may_stand_in_one() {
        let inside = [
            &14122_u32.to_be_bytes()[..],
            &[7, 6, 0, 0, 0, 1],
            &[8, 6, 0, 0, 0, 2],
        ]
        .concat();
        let other = [&9_u32.to_be_bytes()[..], &[7, 6, 0, 0, 0, 3]].concat();
        let list = Attributes(vec![(26, other), (26, inside)]);
        assert_eq!(list.first(&WISPR_BANDWIDTH_MAX_UP), Some(1));
        assert_eq!(list.first(&WISPR_BANDWIDTH_MAX_DOWN), Some(2));
    }

    #[test]
    fn tag_is_read_over_and_none_is_sent() {
        let mut tagged = Attributes(vec![(64, vec![1, 0, 0, 13]), (81, b"\x01100".to_vec())]);
        assert_eq!(tagged.first(&TUNNEL_TYPE), Some(VLAN));
        assert_eq!(
            tagged.first(&TUNNEL_PRIVATE_GROUP_ID).as_deref(),
            Some("100")
        );
        tagged.0.clear();
        tagged.push(&TUNNEL_TYPE, VLAN).unwrap();
        tagged.push(&TUNNEL_PRIVATE_GROUP_ID, "100".into()).unwrap();
        assert_eq!(tagged.encode(), b"\x40\x06\0\0\0\x0d\x51\x05100");
    }

    #[test]
    fn attribute_that_ends_behind_the_packet_is_refused() {
        for bytes in [&b"\x01"[..], b"\x01\x00", b"\x01\x01", b"\x01\x04a"] {
            assert_eq!(Attributes::decode(bytes), Err(Error::AttributeLength));
        }
    }
}
