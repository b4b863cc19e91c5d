//! The members of a document, each as JSON text, without a tree of values in between: what makes lists
//! of ten thousand entities quick.

use std::fmt::Display;
use std::ops::Range;

use jotgate_manage::Document;
use serde::Serialize;
use serde::ser::{Error as _, Impossible, SerializeMap, SerializeStruct, Serializer};
use serde_json::Error;

/// The members of one document after the other, in memory that is used again.
#[derive(Debug, Default)]
pub(super) struct Members {
    text: Vec<u8>,
    found: Vec<Member>,
}

/// Where a member stands in the text.
#[derive(Debug)]
struct Member {
    name: Range<usize>,
    value: Range<usize>,
}

impl Members {
    /// Takes a document apart, into the members whose names `wanted` has, or into all.
    ///
    /// # Errors
    /// The document is no object; none is.
    pub(super) fn read(
        &mut self,
        document: &Document,
        wanted: Option<&[&str]>,
    ) -> Result<(), Error> {
        self.text.clear();
        self.found.clear();
        document.serialize(Taker {
            members: self,
            wanted,
        })
    }

    /// The text of a member. `hint` is where it was found in the document before, and becomes where it
    /// is now: documents of one type have their members in one order.
    pub(super) fn get(&self, name: &str, hint: &mut usize) -> Option<&[u8]> {
        let named = |member: &Member| &self.text[member.name.clone()] == name.as_bytes();
        if !self.found.get(*hint).is_some_and(named) {
            *hint = self.found.iter().position(named)?;
        }
        Some(&self.text[self.found[*hint].value.clone()])
    }
}

/// Fills [`Members`].
struct Taker<'a> {
    members: &'a mut Members,
    wanted: Option<&'a [&'a str]>,
}

impl Taker<'_> {
    fn take<K, V>(&mut self, name: &K, value: &V) -> Result<(), Error>
    where
        K: Serialize + ?Sized,
        V: Serialize + ?Sized,
    {
        let Members { text, found } = &mut *self.members;
        let begun = text.len();
        serde_json::to_writer(&mut *text, name)?;
        // Between the quotes: no name of a member has a character that is escaped.
        let name = begun + 1..text.len() - 1;
        let is_wanted = |wanted: &&[&str]| {
            let mut wanted = wanted.iter();
            wanted.any(|wanted| wanted.as_bytes() == &text[name.clone()])
        };
        if !self.wanted.as_ref().is_none_or(is_wanted) {
            text.truncate(begun);
            return Ok(());
        }
        let value_begins = text.len();
        serde_json::to_writer(&mut *text, value)?;
        found.push(Member {
            name,
            value: value_begins..text.len(),
        });
        Ok(())
    }
}

impl SerializeStruct for Taker<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<V: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &V,
    ) -> Result<(), Error> {
        self.take(name, value)
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

impl SerializeMap for Taker<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<K: Serialize + ?Sized>(&mut self, _: &K) -> Result<(), Error> {
        Err(no_object())
    }

    fn serialize_value<V: Serialize + ?Sized>(&mut self, _: &V) -> Result<(), Error> {
        Err(no_object())
    }

    fn serialize_entry<K, V>(&mut self, name: &K, value: &V) -> Result<(), Error>
    where
        K: Serialize + ?Sized,
        V: Serialize + ?Sized,
    {
        self.take(name, value)
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

fn no_object() -> Error {
    Error::custom("a document is no object")
}

/// Methods for what no document is.
macro_rules! no_object {
    ($($method:ident($($argument:ty),*) -> $ok:ty;)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<$ok, Error> {
            Err(no_object())
        })*
    };
}

type Never = Impossible<(), Error>;

impl Serializer for Taker<'_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Never;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Never;

    fn serialize_map(self, _: Option<usize>) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    no_object! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_seq(Option<usize>) -> Never;
        serialize_tuple(usize) -> Never;
        serialize_tuple_struct(&'static str, usize) -> Never;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Never;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Never;
    }

    fn serialize_some<V: Serialize + ?Sized>(self, _: &V) -> Result<(), Error> {
        Err(no_object())
    }

    fn serialize_newtype_struct<V: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &V,
    ) -> Result<(), Error> {
        Err(no_object())
    }

    fn serialize_newtype_variant<V: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &V,
    ) -> Result<(), Error> {
        Err(no_object())
    }

    fn collect_str<T: Display + ?Sized>(self, _: &T) -> Result<(), Error> {
        Err(no_object())
    }
}
