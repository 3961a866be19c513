//! The value tree. There is no null: an attribute without a value, with `null`
//! and with `[]` are one state (RFC 7643 §2.5), and in the tree all are absent.

use crate::schema::{AttrId, ResourceTypeId};

/// A value of an attribute. Its text is kept as the client sent it; what it
/// means (a date, a URI, bytes) is the attribute's [`Type`](crate::schema::Type).
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `boolean`
    Boolean(bool),
    /// `integer`
    Integer(i64),
    /// `decimal`
    Decimal(f64),
    /// `string`, `dateTime`, `binary` or `reference`
    String(String),
    /// `complex`
    Complex(Complex),
    /// The values of a multi-valued attribute, never empty.
    List(Vec<Self>),
}

/// Attributes and their values, in the registry's order, each at most once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Complex(Vec<(AttrId, Value)>);

/// A resource: its type and what stands at its top. Extensions are complex
/// values under their container's id.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// What it is.
    pub resource_type: ResourceTypeId,
    /// Its attributes.
    pub attributes: Complex,
}

impl Resource {
    /// A resource without any attribute.
    #[must_use]
    pub fn new(resource_type: ResourceTypeId) -> Self {
        Self {
            resource_type,
            attributes: Complex::default(),
        }
    }

    /// The value of a top attribute.
    #[must_use]
    pub fn get(&self, id: AttrId) -> Option<&Value> {
        self.attributes.get(id)
    }

    /// The text of a top attribute.
    #[must_use]
    pub fn text(&self, id: AttrId) -> Option<&str> {
        self.attributes.text(id)
    }
}

impl Complex {
    /// The value of an attribute.
    #[must_use]
    pub fn get(&self, id: AttrId) -> Option<&Value> {
        let at = self.position(id).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    /// The value of an attribute, to change it.
    pub fn get_mut(&mut self, id: AttrId) -> Option<&mut Value> {
        let at = self.position(id).ok()?;
        self.0.get_mut(at).map(|(_, value)| value)
    }

    /// The text of an attribute.
    #[must_use]
    pub fn text(&self, id: AttrId) -> Option<&str> {
        self.get(id).and_then(Value::as_str)
    }

    /// Gives an attribute a value and returns the one it had.
    pub fn set(&mut self, id: AttrId, value: Value) -> Option<Value> {
        match self.position(id) {
            Ok(at) => self
                .0
                .get_mut(at)
                .map(|(_, old)| std::mem::replace(old, value)),
            Err(at) => {
                self.0.insert(at, (id, value));
                None
            }
        }
    }

    /// Takes an attribute's value away.
    pub fn remove(&mut self, id: AttrId) -> Option<Value> {
        let at = self.position(id).ok()?;
        Some(self.0.remove(at).1)
    }

    /// Whether no attribute has a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All attributes with a value.
    pub fn iter(&self) -> impl Iterator<Item = (AttrId, &Value)> {
        self.0.iter().map(|(id, value)| (*id, value))
    }

    /// All attributes with a value, to change them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (AttrId, &mut Value)> {
        self.0.iter_mut().map(|(id, value)| (*id, value))
    }

    /// Keeps the attributes for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(AttrId, &mut Value) -> bool) {
        self.0.retain_mut(|(id, value)| keep(*id, value));
    }

    fn position(&self, id: AttrId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&id, |(id, _)| *id)
    }
}

impl FromIterator<(AttrId, Value)> for Complex {
    /// The last value wins where an attribute comes twice.
    fn from_iter<I: IntoIterator<Item = (AttrId, Value)>>(pairs: I) -> Self {
        let mut complex = Self::default();
        for (id, value) in pairs {
            complex.set(id, value);
        }
        complex
    }
}

impl Value {
    /// The text of a textual value.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Boolean(_)
            | Self::Integer(_)
            | Self::Decimal(_)
            | Self::Complex(_)
            | Self::List(_) => None,
        }
    }

    /// The sub-attributes of a complex value.
    #[must_use]
    pub fn as_complex(&self) -> Option<&Complex> {
        match self {
            Self::Complex(complex) => Some(complex),
            Self::Boolean(_)
            | Self::Integer(_)
            | Self::Decimal(_)
            | Self::String(_)
            | Self::List(_) => None,
        }
    }

    /// The elements of a multi-valued attribute; a single value is one element.
    #[must_use]
    pub fn elements(&self) -> &[Self] {
        match self {
            Self::List(elements) => elements,
            Self::Boolean(_)
            | Self::Integer(_)
            | Self::Decimal(_)
            | Self::String(_)
            | Self::Complex(_) => std::slice::from_ref(self),
        }
    }
}
