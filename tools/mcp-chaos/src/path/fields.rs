//! A JSON object as a list of fields, so that what is not changed stays byte for byte and in its order.

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use std::fmt;

/// The fields of an object.
#[derive(Debug)]
pub struct Fields(Vec<(String, Box<RawValue>)>);

impl Fields {
    /// Sets a text, in the place of the old value or, where there was none, at the end.
    pub fn set(&mut self, name: &str, text: &str) {
        // A text always has a JSON form.
        let Ok(value) = to_raw_value(text) else {
            return;
        };
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// The same, where there is no such field, or it is null.
    pub fn set_where_missing(&mut self, name: &str, text: &str) {
        let is_there =
            |(known, value): &(String, Box<RawValue>)| known == name && value.get() != "null";
        if !self.0.iter().any(is_there) {
            self.set(name, text);
        }
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Taking;
        impl<'de> Visitor<'de> for Taking {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        from.deserialize_map(Taking)
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_changed_stays_as_it_was_written() {
        let line = r#"{"v":1,"type":"target","x":{"b": 1.50,"a":[ null ]},"url":"old","n":1e3,"host_header":null}"#;
        let mut fields: Fields = serde_json::from_str(line).unwrap();
        fields.set("url", "new \"one\"");
        fields.set_where_missing("x", "not");
        fields.set_where_missing("host_header", "h");
        fields.set("via", "mcp-chaos#1");
        assert_eq!(
            serde_json::to_string(&fields).unwrap(),
            r#"{"v":1,"type":"target","x":{"b": 1.50,"a":[ null ]},"url":"new \"one\"","n":1e3,"host_header":"h","via":"mcp-chaos#1"}"#
        );
    }
}
