//! One attribute and its characteristics (RFC 7643 §2.2 and §7).

/// Names an attribute within a [`Registry`](super::Registry). Cheap to copy and
/// to compare; an id means nothing in another registry, so it is never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttrId(pub(super) u16);

/// Data type of an attribute (RFC 7643 §2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Type {
    /// A sequence of Unicode characters.
    #[default]
    String,
    /// `true` or `false`.
    Boolean,
    /// A number with a fraction.
    Decimal,
    /// A whole number.
    Integer,
    /// An `xsd:dateTime`.
    DateTime,
    /// Base64-encoded bytes.
    Binary,
    /// A URI.
    Reference,
    /// Has sub-attributes.
    Complex,
}

/// When an attribute may be written (RFC 7643 §7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mutability {
    /// Never by a client.
    ReadOnly,
    /// At any time.
    #[default]
    ReadWrite,
    /// Once.
    Immutable,
    /// At any time, but never read or filtered.
    WriteOnly,
}

/// When an attribute is returned (RFC 7643 §7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Returned {
    /// Always, whatever the client asks for.
    Always,
    /// Never, not even when asked for.
    Never,
    /// Unless the client leaves it out.
    #[default]
    Default,
    /// Only when asked for.
    Request,
}

/// Which other values a value must differ from (RFC 7643 §7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Uniqueness {
    /// None.
    #[default]
    None,
    /// All in this tenant.
    Server,
    /// All there are.
    Global,
}

impl Type {
    /// The words of RFC 7643 §7.
    pub(super) const WORDS: [(&'static str, Self); 8] = [
        ("string", Self::String),
        ("boolean", Self::Boolean),
        ("decimal", Self::Decimal),
        ("integer", Self::Integer),
        ("dateTime", Self::DateTime),
        ("binary", Self::Binary),
        ("reference", Self::Reference),
        ("complex", Self::Complex),
    ];

    /// The word that schema documents have for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        word(&Self::WORDS, &self)
    }
}

impl Mutability {
    /// The words of RFC 7643 §7.
    pub(super) const WORDS: [(&'static str, Self); 4] = [
        ("readOnly", Self::ReadOnly),
        ("readWrite", Self::ReadWrite),
        ("immutable", Self::Immutable),
        ("writeOnly", Self::WriteOnly),
    ];

    /// The word that schema documents have for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        word(&Self::WORDS, &self)
    }
}

impl Returned {
    /// The words of RFC 7643 §7.
    pub(super) const WORDS: [(&'static str, Self); 4] = [
        ("always", Self::Always),
        ("never", Self::Never),
        ("default", Self::Default),
        ("request", Self::Request),
    ];

    /// The word that schema documents have for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        word(&Self::WORDS, &self)
    }
}

impl Uniqueness {
    /// The words of RFC 7643 §7.
    pub(super) const WORDS: [(&'static str, Self); 3] = [
        ("none", Self::None),
        ("server", Self::Server),
        ("global", Self::Global),
    ];

    /// The word that schema documents have for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        word(&Self::WORDS, &self)
    }
}

fn word<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    let found = words.iter().find(|(_, candidate)| candidate == value);
    found.map_or("", |(word, _)| *word)
}

/// An attribute as the registry holds it.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Its own id.
    pub id: AttrId,
    /// The attribute it is a sub-attribute of. For an extension's attributes
    /// that is the container named by the extension's URN.
    pub parent: Option<AttrId>,
    /// The name in the schema's spelling; a URN for an extension's container.
    pub name: String,
    /// What it means, in a sentence.
    pub description: String,
    /// Data type.
    pub kind: Type,
    /// Whether it holds several values.
    pub multi_valued: bool,
    /// Whether a resource must have it.
    pub required: bool,
    /// Whether its text is compared with regard to case.
    pub case_exact: bool,
    /// When it may be written.
    pub mutability: Mutability,
    /// When it is returned.
    pub returned: Returned,
    /// What it must differ from.
    pub uniqueness: Uniqueness,
    /// Suggested values.
    pub canonical_values: Vec<String>,
    /// What a reference may point to.
    pub reference_types: Vec<String>,
    /// Whether resources are to be found by it without reading them all.
    pub indexed: bool,
    /// Sub-attributes, in the schema's order.
    pub children: Vec<AttrId>,
    /// Whether this is the container of an extension, which has no entry of its
    /// own in `/Schemas`.
    pub is_extension: bool,
}

impl Attribute {
    /// Whether no two resources of a type may have the same value.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        self.uniqueness != Uniqueness::None
    }

    /// Whether the attribute has sub-attributes.
    #[must_use]
    pub fn is_complex(&self) -> bool {
        self.kind == Type::Complex
    }
}
