//! The fields of a JSON object that a client sent.

use super::refusal::Refusal;
use serde_json::{Map, Value};

/// An object. Names are found in upper and lower case, as Toxiproxy finds them, and null is as good as nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a body.
    ///
    /// # Errors
    /// It is no JSON, or no object.
    pub fn read(body: &[u8]) -> Result<Self, Refusal> {
        Self::of(json(body)?)
    }

    /// Reads a value.
    ///
    /// # Errors
    /// It is no object.
    pub fn of(value: Value) -> Result<Self, Refusal> {
        match value {
            Value::Object(map) => Ok(Self(map)),
            other => Err(Refusal::bad_body(&format!(
                "an object was expected, not {}",
                kind(&other)
            ))),
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        let exact = self.0.get(name);
        let of = |(key, value)| str::eq_ignore_ascii_case(key, name).then_some(value);
        exact
            .or_else(|| self.0.iter().find_map(|(k, v)| of((k.as_str(), v))))
            .filter(|value| !value.is_null())
    }

    /// A text.
    ///
    /// # Errors
    /// It is something else. So for all below.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        self.get(name)
            .map(|value| value.as_str().ok_or_else(|| wrong(name, "a text", value)))
            .transpose()
    }

    /// True or false.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        self.get(name)
            .map(|value| {
                value
                    .as_bool()
                    .ok_or_else(|| wrong(name, "true or false", value))
            })
            .transpose()
    }

    /// A number that is not negative.
    pub fn number(&self, name: &str) -> Result<Option<f64>, Refusal> {
        self.get(name)
            .map(|value| {
                value
                    .as_f64()
                    .filter(|n| n.is_finite() && *n >= 0.0)
                    .ok_or_else(|| wrong(name, "a number from 0 on", value))
            })
            .transpose()
    }

    /// An object; where it is not there, an empty one.
    pub fn object(&self, name: &str) -> Result<Self, Refusal> {
        match self.get(name) {
            None => Ok(Self::default()),
            Some(Value::Object(map)) => Ok(Self(map.clone())),
            Some(other) => Err(wrong(name, "an object", other)),
        }
    }

    /// A name that is not among these.
    pub fn beside(&self, names: &[&str]) -> Option<&str> {
        let is_known = |key: &&String| names.iter().any(|name| name.eq_ignore_ascii_case(key));
        self.0.keys().find(|key| !is_known(key)).map(String::as_str)
    }
}

/// Reads a body as JSON.
///
/// # Errors
/// It is none.
pub fn json(body: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|e| Refusal::bad_body(&e.to_string()))
}

fn wrong(name: &str, wanted: &str, value: &Value) -> Refusal {
    Refusal::bad_body(&format!("{name} is to be {wanted}, not {}", kind(value)))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "this number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_in_any_case_and_are_of_their_kind() {
        let body =
            br#"{"Name":"a","name":"b","Enabled":true,"n":1.5,"attributes":{"Rate":1},"x":null}"#;
        let fields = Fields::read(body).unwrap();
        assert_eq!(fields.text("name"), Ok(Some("b")), "the exact one first");
        assert_eq!(fields.flag("enabled"), Ok(Some(true)));
        assert_eq!(fields.number("N"), Ok(Some(1.5)));
        assert_eq!(fields.text("x"), Ok(None));
        let attributes = fields.object("attributes").unwrap();
        assert_eq!(attributes.number("rate"), Ok(Some(1.0)));
        assert_eq!(attributes.beside(&["rate"]), None);
        assert_eq!(attributes.beside(&["latency"]), Some("Rate"));
        assert!(fields.text("n").unwrap_err().text.contains("n is to be"));
        assert!(fields.number("name").is_err() && fields.object("n").is_err());
        for body in ["", "[]", "1", "{", r#"{"a":1} x"#] {
            assert_eq!(Fields::read(body.as_bytes()).unwrap_err().status, 400);
        }
        let negative = Fields::read(br#"{"n":-1}"#).unwrap();
        assert!(negative.number("n").is_err());
    }
}
