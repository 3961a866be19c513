//! Operations carried out on a resource (RFC 7644 §3.5.2.1 to §3.5.2.3).

use super::{Op, Operation, elements};
use crate::Mode;
use crate::error::Error;
use crate::json::Json;
use crate::path::Path;
use crate::resource::{
    Complex, Value, changed, check_count, immutable_in, is_same, keep_in, primary_of,
    value_from_client,
};
use crate::schema::{AttrId, Mutability, Registry};

/// How much text one operation may write to the values that its path selects, each of
/// which gets a copy: more than a record can hold.
const MAX_COPIED_BYTES: usize = 2 * 1024 * 1024;

/// Carries out one operation on the attributes at the top of a resource.
pub(super) fn apply(
    registry: &Registry,
    top: &mut Complex,
    operation: &Operation,
    mode: Mode,
) -> Result<(), Error> {
    let work = Work {
        registry,
        operation,
        mode,
    };
    match operation.path.container {
        None => work.within(top),
        Some(container) => inside(top, container, |extension| work.within(extension)),
    }
}

/// Works inside a complex value, which is made when it is missing and is taken
/// away when nothing is left in it.
fn inside(
    parent: &mut Complex,
    id: AttrId,
    work: impl FnOnce(&mut Complex) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut complex = match parent.remove(id) {
        Some(Value::Complex(complex)) => complex,
        _ => Complex::default(),
    };
    work(&mut complex)?;
    if !complex.is_empty() {
        parent.set(id, Value::Complex(complex));
    }
    Ok(())
}

struct Work<'w> {
    registry: &'w Registry,
    operation: &'w Operation,
    mode: Mode,
}

impl Work<'_> {
    fn within(&self, parent: &mut Complex) -> Result<(), Error> {
        let path = &self.operation.path;
        let is_list = self.registry.attribute(path.attribute).multi_valued;
        match path.sub_attribute {
            _ if is_list && (path.selection.is_some() || path.sub_attribute.is_some()) => {
                self.elements(parent, path)
            }
            None => self.attribute(parent, path.attribute),
            Some(sub) => inside(parent, path.attribute, |complex| {
                self.attribute(complex, sub)
            }),
        }
    }

    /// Gives an attribute the operation's value, or takes its value away.
    fn attribute(&self, parent: &mut Complex, id: AttrId) -> Result<(), Error> {
        match &self.operation.value {
            None => self.unassign(parent, id),
            Some(value) => self.assign(parent, id, value),
        }
    }

    fn unassign(&self, parent: &mut Complex, id: AttrId) -> Result<(), Error> {
        let attribute = self.registry.attribute(id);
        if attribute.required {
            return Err(self.missing(id));
        }
        // The other sub-attributes describe the value (RFC 7643 §2.4); without it
        // they describe nothing.
        let going = match self.is_significant(id) {
            true => std::mem::take(parent),
            false => parent
                .remove(id)
                .map(|value| (id, value))
                .into_iter()
                .collect(),
        };
        // An element of a list may go as a whole.
        let whole = attribute.parent.filter(|_| self.is_significant(id));
        if whole.is_some_and(|whole| self.registry.attribute(whole).multi_valued) {
            return Ok(());
        }
        let kept = going
            .iter()
            .find_map(|(id, value)| immutable_in(self.registry, id, value));
        kept.map_or(Ok(()), |id| Err(changed(self.registry, id)))
    }

    fn assign(&self, parent: &mut Complex, id: AttrId, value: &Value) -> Result<(), Error> {
        let attribute = self.registry.attribute(id);
        let old = parent.get(id);
        if attribute.mutability == Mutability::Immutable
            && let Some(old) = old
        {
            // What is there already may be said again; its spelling stays.
            return match self.adds_nothing(id, old, value) {
                true => Ok(()),
                false => Err(changed(self.registry, id)),
            };
        }
        if attribute.multi_valued {
            let mut list = match parent.remove(id) {
                Some(Value::List(list)) if self.operation.op == Op::Add => list,
                _ => Vec::new(),
            };
            let added = elements::add(self.registry, id, &mut list, value.elements());
            check_count(self.registry, id, list.len())?;
            self.put_back(parent, id, list, &added.primary);
            return Ok(());
        }
        if self.is_significant(id) && old.is_some_and(|old| old != value) {
            self.forget_description(parent, id);
        }
        let mut value = value.clone();
        if let (Some(Value::Complex(old)), Value::Complex(new)) = (parent.get(id), &mut value) {
            keep_in(self.registry, old, new)?;
        }
        parent.set(id, value);
        Ok(())
    }

    /// Whether an immutable attribute would stay as it is.
    fn adds_nothing(&self, id: AttrId, old: &Value, value: &Value) -> bool {
        let same = |old: &Value, new: &Value| is_same(self.registry, id, old, new);
        match self.operation.op {
            Op::Add => {
                let mut given = value.elements().iter();
                given.all(|new| old.elements().iter().any(|old| same(old, new)))
            }
            Op::Remove | Op::Replace => same(old, value),
        }
    }

    /// The error for a required attribute that would be without a value: for a
    /// `remove` RFC 7644 §3.5.2.2 has `mutability`.
    #[cold]
    fn missing(&self, id: AttrId) -> Error {
        let attribute = self.registry.path(id);
        match self.operation.op {
            Op::Remove => Error::NotMutable {
                attribute,
                reason: "is required and cannot be removed",
            },
            Op::Add | Op::Replace => Error::Required { attribute },
        }
    }

    /// Whether the attribute is the `value` of a complex one.
    fn is_significant(&self, id: AttrId) -> bool {
        let attribute = self.registry.attribute(id);
        let parent = attribute.parent.map(|id| self.registry.attribute(id));
        attribute.name == "value" && parent.is_some_and(|parent| !parent.is_extension)
    }

    /// When a reference points to another resource (`manager.value`), the old
    /// one's URI and what the service derived from it are no longer true.
    fn forget_description(&self, complex: &mut Complex, value: AttrId) {
        let Some(parent) = self.registry.attribute(value).parent else {
            return;
        };
        if self.registry.child(parent, "$ref").is_none() {
            return;
        }
        complex.retain(|id, _| {
            let attribute = self.registry.attribute(id);
            attribute.name != "$ref" && attribute.mutability != Mutability::ReadOnly
        });
    }

    /// Works on selected elements of a multi-valued attribute, or on all of them.
    fn elements(&self, parent: &mut Complex, path: &Path) -> Result<(), Error> {
        let mut list = match parent.remove(path.attribute) {
            Some(Value::List(list)) => list,
            _ => Vec::new(),
        };
        let is_selected = |element: &Value| {
            let selection = path.selection.as_ref();
            selection.is_none_or(|selection| selection.matches(element))
        };
        let selected: Vec<bool> = list.iter().map(is_selected).collect();
        let mut primary = Vec::new();
        match &self.operation.value {
            None => self.take_from(&mut list, &selected)?,
            Some(value) if selected.contains(&true) => {
                let copies = selected.iter().filter(|is_selected| **is_selected);
                check_copies(copies.count(), value)?;
                for (at, element) in list.iter_mut().enumerate() {
                    if selected.get(at) == Some(&true) {
                        self.change(element, value)?;
                        primary.extend(self.sets_primary().then_some(at));
                    }
                }
            }
            Some(_) => {
                let element = self.new_element()?;
                primary.extend(self.is_primary(&element).then_some(list.len()));
                list.push(element);
                check_count(self.registry, path.attribute, list.len())?;
            }
        }
        list.retain(|element| !element.as_complex().is_some_and(Complex::is_empty));
        if list.is_empty() && self.registry.attribute(path.attribute).required {
            return Err(self.missing(path.attribute));
        }
        self.put_back(parent, path.attribute, list, &primary);
        Ok(())
    }

    /// Removes selected elements, or a sub-attribute of each. What is then left
    /// with nothing but a label goes too.
    fn take_from(&self, list: &mut Vec<Value>, selected: &[bool]) -> Result<(), Error> {
        let mut selected = selected.iter().copied();
        let Some(sub) = self.operation.path.sub_attribute else {
            list.retain(|_| selected.next() != Some(true));
            return Ok(());
        };
        for element in list.iter_mut() {
            if let (Some(true), Value::Complex(complex)) = (selected.next(), element) {
                self.unassign(complex, sub)?;
                if complex.iter().all(|(id, _)| self.is_label(id)) {
                    *complex = Complex::default();
                }
            }
        }
        Ok(())
    }

    /// Whether a sub-attribute only says what kind of value an element is.
    fn is_label(&self, id: AttrId) -> bool {
        matches!(
            self.registry.attribute(id).name.as_str(),
            "type" | "primary"
        )
    }

    /// Changes a selected element.
    fn change(&self, element: &mut Value, value: &Value) -> Result<(), Error> {
        let path = &self.operation.path;
        match (element, path.sub_attribute) {
            (Value::Complex(complex), Some(sub)) => self.assign(complex, sub, value),
            (Value::Complex(complex), None) if self.operation.op == Op::Add => {
                let added = value.as_complex().into_iter();
                for (sub, value) in added.flat_map(Complex::iter) {
                    self.assign(complex, sub, value)?;
                }
                Ok(())
            }
            (element, _) => {
                let mut new = with(self.said()?, value);
                if let (Value::Complex(old), Value::Complex(new)) = (&*element, &mut new) {
                    keep_in(self.registry, old, new)?;
                }
                *element = new;
                Ok(())
            }
        }
    }

    /// The element for a path that selects none. RFC 7644 §3.5.2.3 has `noTarget`
    /// for it, but where the filter says by `eq` what the element would be, Entra
    /// ID expects it to be made, and by several operations only once: in lenient
    /// mode it is.
    fn new_element(&self) -> Result<Value, Error> {
        let path = &self.operation.path;
        let said = match self.mode {
            Mode::Lenient => self.said()?,
            Mode::Strict => None,
        };
        if path.selection.is_some() && said.is_none() {
            return Err(Error::NothingSelected {
                path: format!("{}[…]", self.registry.path(path.attribute)),
            });
        }
        let value = self.operation.value.clone();
        let given = match (path.sub_attribute, value) {
            (Some(sub), Some(value)) => Value::Complex([(sub, value)].into_iter().collect()),
            (None, Some(value)) => value,
            (_, None) => Value::Complex(Complex::default()),
        };
        Ok(with(said, &given))
    }

    /// What the path's filter says by `eq` that an element is, if that is all it says.
    /// A literal is a value only as far as a client could send it: `""` is none.
    fn said(&self) -> Result<Option<Vec<(AttrId, Value)>>, Error> {
        let selection = self.operation.path.selection.as_ref();
        let Some(equalities) = selection.and_then(|selection| selection.equalities()) else {
            return Ok(None);
        };
        let mut said = Vec::with_capacity(equalities.len());
        for (id, value) in equalities {
            let value = match value.as_str() {
                Some(text) => {
                    value_from_client(self.registry, id, &Json::String(text.into()), self.mode)?
                }
                None => Some(value),
            };
            let Some(value) = value else { return Ok(None) };
            said.push((id, value));
        }
        Ok(Some(said))
    }

    /// Whether the operation makes the elements it changes primary.
    fn sets_primary(&self) -> bool {
        let Some(value) = &self.operation.value else {
            return false;
        };
        match self.operation.path.sub_attribute {
            None => self.is_primary(value),
            Some(sub) => {
                let primary = primary_of(self.registry, self.operation.path.attribute);
                primary == Some(sub) && *value == Value::Boolean(true)
            }
        }
    }

    fn is_primary(&self, element: &Value) -> bool {
        let primary = primary_of(self.registry, self.operation.path.attribute);
        let flag = primary.and_then(|primary| element.as_complex()?.get(primary));
        flag == Some(&Value::Boolean(true))
    }

    fn put_back(&self, parent: &mut Complex, id: AttrId, mut list: Vec<Value>, set: &[usize]) {
        elements::keep_one_primary(self.registry, id, &mut list, set);
        if !list.is_empty() {
            parent.set(id, Value::List(list));
        }
    }
}

/// A request of a megabyte could otherwise ask for a thousand times as much.
///
/// # Errors
/// [`Error::ChangeTooLarge`].
fn check_copies(count: usize, value: &Value) -> Result<(), Error> {
    if text_bytes(value).saturating_mul(count) <= MAX_COPIED_BYTES {
        return Ok(());
    }
    Err(Error::ChangeTooLarge {
        what: "the text that one operation writes to all values it selects, in bytes,".to_owned(),
        limit: MAX_COPIED_BYTES,
    })
}

fn text_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Complex(complex) => complex.iter().map(|(_, value)| text_bytes(value)).sum(),
        Value::List(values) => values.iter().map(text_bytes).sum(),
        Value::Boolean(_) | Value::Integer(_) | Value::Decimal(_) => 0,
    }
}

/// An element as given, and with what else is said of it.
fn with(said: Option<Vec<(AttrId, Value)>>, given: &Value) -> Value {
    match (given, said) {
        (Value::Complex(complex), Some(said)) => {
            let given = complex.iter().map(|(id, value)| (id, value.clone()));
            Value::Complex(said.into_iter().chain(given).collect())
        }
        _ => given.clone(),
    }
}
