//! Input schemas as servers publish them: hand-written ones, and the shapes that the generators emit.

use serde_json::{Value, json};

pub fn corpus() -> Vec<(&'static str, Value)> {
    let mut all = plain();
    all.extend(generated());
    all.extend(combined());
    all.extend(seldom());
    all
}

/// Keywords of 2020-12 that few servers use.
fn seldom() -> Vec<(&'static str, Value)> {
    vec![
        (
            "anchors",
            json!({"type": "object", "$defs": {"N": {"$anchor": "node", "type": "integer"}},
                "properties": {"a": {"$ref": "#node"}}, "required": ["a"]}),
        ),
        (
            "two patterns at once",
            object(
                json!({"a": {"type": "string", "allOf": [{"pattern": "^[a-z]+$"}, {"pattern": "^.{3,8}$"}]}}),
                &["a"],
            ),
        ),
        (
            "names of properties",
            object(
                json!({"a": {"type": "object", "propertyNames": {"pattern": "^[a-z]{3}$"}, "minProperties": 2}}),
                &["a"],
            ),
        ),
        (
            "dependent schemas",
            json!({"type": "object", "properties": {"card": {"type": "integer"}}, "required": ["card"],
                "dependentSchemas": {"card": {"properties": {"address": {"type": "string"}}, "required": ["address"]}}}),
        ),
        (
            "nothing unevaluated",
            json!({"type": "object", "allOf": [{"properties": {"a": {"type": "string"}}, "required": ["a"]}],
                "properties": {"b": {"type": "integer"}}, "required": ["b"], "unevaluatedProperties": false}),
        ),
        (
            "contains, counted",
            object(
                json!({"a": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 100},
                    "contains": {"minimum": 50}, "minContains": 2, "maxContains": 3, "minItems": 4}}),
                &["a"],
            ),
        ),
        (
            "cents",
            object(
                json!({"price": {"type": "number", "minimum": 0.05, "maximum": 0.95, "multipleOf": 0.01}}),
                &["price"],
            ),
        ),
        (
            "letters of any script",
            object(
                json!({"name": {"type": "string", "pattern": r"^\p{Lu}\p{L}+ \p{N}{2}$", "maxLength": 30}}),
                &["name"],
            ),
        ),
        (
            "formats of identifiers",
            object(
                json!({
                    "a": {"type": "string", "format": "uri-reference"}, "b": {"type": "string", "format": "uri-template"},
                    "c": {"type": "string", "format": "iri"}, "d": {"type": "string", "format": "idn-email"},
                    "e": {"type": "string", "format": "relative-json-pointer"}, "f": {"type": "string", "format": "regex"},
                    "g": {"type": "string", "format": "idn-hostname"}
                }),
                &["a", "b", "c", "d", "e", "f", "g"],
            ),
        ),
        (
            "an expression that refers to itself",
            json!({"type": "object", "$defs": {"E": {"oneOf": [
                {"type": "object", "properties": {"op": {"const": "+"}, "args": {"type": "array", "items": {"$ref": "#/$defs/E"}, "minItems": 2}},
                    "required": ["op", "args"], "additionalProperties": false},
                {"type": "number"}]}},
                "properties": {"e": {"$ref": "#/$defs/E"}}, "required": ["e"]}),
        ),
        (
            "patterns of properties and no others",
            object(
                json!({"env": {"type": "object", "patternProperties": {"^[A-Z]{2,}$": {"type": "string"}},
                    "additionalProperties": false, "minProperties": 1}}),
                &["env"],
            ),
        ),
        (
            "an empty list, and null alone",
            object(
                json!({"a": {"type": "array", "maxItems": 0}, "n": {"const": null}, "o": {"enum": [null]}}),
                &["a", "n", "o"],
            ),
        ),
        (
            "if it is a card, then with a number",
            json!({"type": "object", "properties": {"kind": {"enum": ["card", "cash"]}, "number": {"type": "string", "pattern": "^[0-9]{16}$"}},
                "required": ["kind"], "if": {"properties": {"kind": {"const": "card"}}}, "then": {"required": ["number"]},
                "else": {"properties": {"number": false}}}),
        ),
    ]
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required})
}

fn plain() -> Vec<(&'static str, Value)> {
    vec![
        ("no arguments", json!({"type": "object"})),
        ("true", json!(true)),
        ("empty", json!({})),
        (
            "closed and empty",
            json!({"type": "object", "properties": {}, "additionalProperties": false}),
        ),
        (
            "echo",
            object(
                json!({"message": {"type": "string", "description": "Message to echo"}}),
                &["message"],
            ),
        ),
        (
            "add",
            object(
                json!({"a": {"type": "number"}, "b": {"type": "number"}}),
                &["a", "b"],
            ),
        ),
        (
            "all types",
            object(
                json!({
                    "s": {"type": "string"}, "n": {"type": "number"}, "i": {"type": "integer"},
                    "b": {"type": "boolean"}, "a": {"type": "array"}, "o": {"type": "object"}, "z": {"type": "null"}
                }),
                &["s", "n", "i", "b", "a", "o", "z"],
            ),
        ),
        (
            "no type at all",
            object(
                json!({"any": {}, "yes": true, "described": {"description": "x"}}),
                &["any", "yes", "described"],
            ),
        ),
        (
            "implied types",
            object(
                json!({
                    "o": {"properties": {"x": {"type": "string"}}, "required": ["x"]},
                    "a": {"items": {"type": "integer"}, "minItems": 2}, "n": {"minimum": 4}, "s": {"minLength": 12}
                }),
                &["o", "a", "n", "s"],
            ),
        ),
        (
            "enums of mixed types",
            object(
                json!({
                    "mixed": {"enum": [1, "two", null, [3], {"four": 4}]}, "one": {"const": {"deep": [1]}},
                    "narrowed": {"type": "string", "enum": ["a", 1, null]}
                }),
                &["mixed", "one", "narrowed"],
            ),
        ),
        (
            "integers",
            object(
                json!({
                    "a": {"type": "integer", "minimum": -7, "maximum": -3},
                    "b": {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5},
                    "c": {"type": "integer", "multipleOf": 7, "minimum": 50},
                    "d": {"type": "integer", "multipleOf": 2.5, "maximum": -1},
                    "e": {"type": "integer", "minimum": 1.5, "maximum": 2.5},
                    "f": {"type": "integer", "format": "uint32", "minimum": 0, "maximum": 4294967295_u64},
                    "g": {"type": "integer", "minimum": 9007199254740991_i64}
                }),
                &["a", "b", "c", "d", "e", "f", "g"],
            ),
        ),
        (
            "numbers",
            object(
                json!({
                    "a": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                    "b": {"type": "number", "multipleOf": 0.1, "minimum": 0.25, "maximum": 0.75},
                    "c": {"type": "number", "minimum": 0.5, "maximum": 0.5},
                    "d": {"type": "number", "multipleOf": 0.01, "exclusiveMinimum": 1e3},
                    "e": {"type": "number", "maximum": -1e9}
                }),
                &["a", "b", "c", "d", "e"],
            ),
        ),
        (
            "lengths",
            object(
                json!({
                    "a": {"type": "string", "minLength": 100}, "b": {"type": "string", "maxLength": 3},
                    "c": {"type": "string", "maxLength": 0}, "d": {"type": "string", "minLength": 5, "maxLength": 5}
                }),
                &["a", "b", "c", "d"],
            ),
        ),
        (
            "formats",
            object(
                json!({
                    "date": {"type": "string", "format": "date"}, "date-time": {"type": "string", "format": "date-time"},
                    "time": {"type": "string", "format": "time"}, "duration": {"type": "string", "format": "duration"},
                    "uri": {"type": "string", "format": "uri", "minLength": 1, "maxLength": 2083},
                    "email": {"type": "string", "format": "email"}, "uuid": {"type": "string", "format": "uuid"},
                    "ipv4": {"type": "string", "format": "ipv4"}, "ipv6": {"type": "string", "format": "ipv6"},
                    "hostname": {"type": "string", "format": "hostname"}, "other": {"type": "string", "format": "file-path"},
                    "pointer": {"type": "string", "format": "json-pointer"}
                }),
                &[
                    "date",
                    "date-time",
                    "time",
                    "duration",
                    "uri",
                    "email",
                    "uuid",
                    "ipv4",
                    "ipv6",
                    "hostname",
                    "other",
                    "pointer",
                ],
            ),
        ),
        (
            "patterns",
            object(
                json!({
                    "slug": {"type": "string", "pattern": "^[a-z0-9]+(?:-[a-z0-9]+)*$", "minLength": 10, "maxLength": 20},
                    "semver": {"type": "string", "pattern": r"^v?\d+\.\d+\.\d+(-[\w.]+)?$"},
                    "phone": {"type": "string", "pattern": r"^\+[1-9]\d{6,14}$"},
                    "hex": {"type": "string", "pattern": "^#(?:[0-9a-fA-F]{3}){1,2}$"},
                    "words": {"type": "string", "pattern": r"^\S+( \S+){2}$"},
                    "part": {"type": "string", "pattern": "foo|bar"},
                    "not digit": {"type": "string", "pattern": r"^(?!\d)\w{3,}$"},
                    "path": {"type": "string", "pattern": r"^\/[^\n]*\u002etxt$"},
                    "edge": {"type": "string", "pattern": r"\bid-[A-Z]{2}\b"}
                }),
                &[
                    "slug",
                    "semver",
                    "phone",
                    "hex",
                    "words",
                    "part",
                    "not digit",
                    "path",
                    "edge",
                ],
            ),
        ),
        (
            "arrays",
            object(
                json!({
                    "none": {"type": "array", "maxItems": 0}, "two": {"type": "array", "items": {"type": "string"}, "minItems": 2},
                    "set": {"type": "array", "items": {"enum": ["a", "b", "c", "d"]}, "uniqueItems": true, "minItems": 4},
                    "tuple": {"type": "array", "prefixItems": [{"type": "number"}, {"type": "string"}], "items": false, "minItems": 2},
                    "matrix": {"type": "array", "items": {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3}, "minItems": 2},
                    "has": {"type": "array", "contains": {"const": 5}, "items": {"type": "integer"}, "minItems": 3}
                }),
                &["none", "two", "set", "tuple", "matrix", "has"],
            ),
        ),
        (
            "draft-07 tuple",
            json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {
            "pair": {"type": "array", "items": [{"type": "string"}, {"type": "integer"}], "additionalItems": false, "minItems": 2}
        }, "required": ["pair"]}),
        ),
        (
            "required but undeclared",
            json!({"type": "object", "required": ["a", "b"], "additionalProperties": {"type": "integer"}}),
        ),
        (
            "pattern properties",
            json!({"type": "object", "patternProperties": {"^x-": {"type": "integer"}}, "required": ["x-a"], "additionalProperties": false}),
        ),
        (
            "minimum of properties",
            json!({"type": "object", "properties": {"a": {"type": "integer"}}, "minProperties": 3, "additionalProperties": {"type": "boolean"}}),
        ),
        (
            "dependent",
            json!({"type": "object", "properties": {"card": {"type": "string"}, "address": {"type": "string"}, "zip": {"type": "integer"}},
            "required": ["card"], "dependentRequired": {"card": ["address"], "address": ["zip"]}}),
        ),
        (
            "types in a list",
            object(
                json!({"a": {"type": ["null", "integer"]}, "b": {"type": ["string", "number"], "minLength": 3}}),
                &["a", "b"],
            ),
        ),
    ]
}

/// What Pydantic (Python FastMCP), zod (TypeScript) and schemars (Rust) write.
fn generated() -> Vec<(&'static str, Value)> {
    vec![
        (
            "pydantic: optional with default",
            json!({"title": "searchArguments", "type": "object", "properties": {
            "query": {"title": "Query", "type": "string"},
            "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": null, "title": "Limit"}
        }, "required": ["query"]}),
        ),
        (
            "pydantic: union required",
            object(
                json!({"value": {"anyOf": [{"type": "null"}, {"type": "integer"}, {"type": "string"}], "title": "Value"}}),
                &["value"],
            ),
        ),
        (
            "pydantic: nested model",
            json!({"$defs": {
            "Address": {"properties": {"street": {"title": "Street", "type": "string"}, "zip": {"pattern": r"^\d{5}$", "title": "Zip", "type": "string"}},
                "required": ["street", "zip"], "title": "Address", "type": "object"},
            "Color": {"enum": ["red", "green"], "title": "Color", "type": "string"}
        }, "properties": {"address": {"$ref": "#/$defs/Address"}, "color": {"$ref": "#/$defs/Color", "default": "red"},
            "tags": {"items": {"type": "string"}, "title": "Tags", "type": "array", "uniqueItems": true}},
            "required": ["address", "color", "tags"], "title": "createArguments", "type": "object"}),
        ),
        (
            "pydantic: discriminated union",
            json!({"$defs": {
            "Cat": {"properties": {"kind": {"const": "cat", "type": "string"}, "lives": {"type": "integer", "maximum": 9, "minimum": 1}}, "required": ["kind", "lives"], "type": "object"},
            "Dog": {"properties": {"kind": {"const": "dog", "type": "string"}, "name": {"type": "string"}}, "required": ["kind", "name"], "type": "object"}
        }, "properties": {"pet": {"discriminator": {"mapping": {"cat": "#/$defs/Cat", "dog": "#/$defs/Dog"}, "propertyName": "kind"},
            "oneOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}]}}, "required": ["pet"], "type": "object"}),
        ),
        (
            "pydantic: recursive tree",
            json!({"$defs": {"Node": {"properties": {
            "value": {"type": "integer"}, "children": {"items": {"$ref": "#/$defs/Node"}, "type": "array"},
            "parent": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}
        }, "required": ["value", "children", "parent"], "type": "object"}}, "properties": {"root": {"$ref": "#/$defs/Node"}}, "required": ["root"], "type": "object"}),
        ),
        (
            "pydantic: dict, tuple, decimal",
            object(
                json!({
                    "d": {"additionalProperties": {"type": "integer"}, "type": "object"},
                    "t": {"maxItems": 2, "minItems": 2, "prefixItems": [{"type": "integer"}, {"type": "string"}], "type": "array"},
                    "money": {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"}]},
                    "cents": {"type": "string", "pattern": r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"},
                    "when": {"format": "date-time", "type": "string"}, "raw": {"format": "binary", "type": "string"},
                    "json": {"contentMediaType": "application/json", "contentSchema": {}, "type": "string"}
                }),
                &["d", "t", "money", "cents", "when", "raw", "json"],
            ),
        ),
        (
            "zod 3: strict object",
            json!({"type": "object", "properties": {
            "duration": {"type": "number", "default": 10, "description": "in seconds"}, "steps": {"type": "number", "default": 5},
            "level": {"type": "string", "enum": ["error", "success", "debug"]}
        }, "required": ["level"], "additionalProperties": false, "$schema": "http://json-schema.org/draft-07/schema#"}),
        ),
        (
            "zod 3: nullable and union",
            json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {
            "a": {"type": ["string", "null"]}, "b": {"type": ["string", "number"]}, "c": {"anyOf": [{"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"], "additionalProperties": false}, {"not": {}}]},
            "same": {"$ref": "#/properties/a"}
        }, "required": ["a", "b", "c", "same"], "additionalProperties": false}),
        ),
        (
            "zod 3: intersection",
            json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {
            "both": {"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}, {"type": "object", "properties": {"b": {"type": "number"}}, "required": ["b"]}]}
        }, "required": ["both"]}),
        ),
        (
            "zod 4: formats with patterns",
            json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": {
            "mail": {"type": "string", "format": "email", "pattern": r"^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$"},
            "id": {"type": "string", "format": "uuid", "pattern": "^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}|00000000-0000-0000-0000-000000000000)$"},
            "day": {"type": "string", "format": "date", "pattern": r"^(?:(?:\d\d[2468][048]|\d\d[13579][26]|\d\d0[48]|[02468][048]00|[13579][26]00)-02-29|\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|(?:02)-(?:0[1-9]|1\d|2[0-8])))$"},
            "int": {"type": "integer", "exclusiveMinimum": 0, "maximum": 9007199254740991_i64}
        }, "required": ["mail", "id", "day", "int"], "additionalProperties": false}),
        ),
        (
            "zod 4: record",
            json!({"type": "object", "properties": {
            "map": {"type": "object", "propertyNames": {"type": "string"}, "additionalProperties": {}}, "one": {"type": "string", "const": "fixed"}
        }, "required": ["map", "one"]}),
        ),
        (
            "schemars: options and references",
            json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Args", "type": "object", "properties": {
                "count": {"type": "integer", "format": "uint8", "minimum": 0, "maximum": 255}, "name": {"type": ["string", "null"]},
                "mode": {"$ref": "#/$defs/Mode"}, "inner": {"anyOf": [{"$ref": "#/$defs/Inner"}, {"type": "null"}]}, "ratio": {"type": "number", "format": "double"}
            }, "required": ["count", "mode", "inner", "ratio"], "$defs": {
                "Mode": {"oneOf": [{"description": "Fast.", "type": "string", "const": "fast"}, {"type": "string", "const": "slow"}, {"type": "object", "properties": {"custom": {"type": "string"}}, "required": ["custom"], "additionalProperties": false}]},
                "Inner": {"type": "object", "properties": {"list": {"type": "array", "items": {"$ref": "#/$defs/Mode"}}}, "required": ["list"]}
            }}),
        ),
        (
            "schemars 0.8: definitions",
            json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "required": ["kind"], "properties": {
            "kind": {"description": "what", "allOf": [{"$ref": "#/definitions/Kind"}]}}, "definitions": {"Kind": {"type": "string", "enum": ["A", "B"]}}}),
        ),
        (
            "escaped pointers",
            json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/x~1y~0z"}}, "required": ["a"], "$defs": {"x/y~z": {"type": "integer"}}}),
        ),
    ]
}

fn combined() -> Vec<(&'static str, Value)> {
    vec![
        (
            "oneOf whose branches overlap",
            object(
                json!({"v": {"oneOf": [{"type": "number"}, {"type": "integer"}, {"type": "string", "maxLength": 4}]}}),
                &["v"],
            ),
        ),
        (
            "oneOf beside properties",
            json!({"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}, "oneOf": [{"required": ["id"]}, {"required": ["name"]}]}),
        ),
        (
            "anyOf whose first branch fails",
            object(
                json!({"v": {"anyOf": [{"type": "string", "pattern": r"(?<=a)b"}, false, {"type": "integer", "minimum": 3, "maximum": 2}, {"type": "boolean"}]}}),
                &["v"],
            ),
        ),
        (
            "allOf narrows",
            object(
                json!({"v": {"allOf": [{"type": "number", "minimum": 0}, {"type": "integer", "maximum": 9}, {"multipleOf": 4, "minimum": 1}]}}),
                &["v"],
            ),
        ),
        (
            "diamond",
            json!({"$defs": {"A": {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}},
            "B": {"allOf": [{"$ref": "#/$defs/A"}], "required": ["b"]}, "C": {"allOf": [{"$ref": "#/$defs/A"}], "required": ["c"]}},
            "allOf": [{"$ref": "#/$defs/B"}, {"$ref": "#/$defs/C"}]}),
        ),
        (
            "if then else",
            json!({"type": "object", "properties": {"kind": {"enum": ["a", "b"]}, "x": {"type": "integer"}, "y": {"type": "string"}}, "required": ["kind"],
            "if": {"properties": {"kind": {"const": "a"}}}, "then": {"required": ["x"]}, "else": {"required": ["y"]}}),
        ),
        (
            "not",
            object(
                json!({"v": {"type": "string", "not": {"enum": ["a", "b"]}}, "w": {"type": "boolean", "not": {"const": true}}}),
                &["v", "w"],
            ),
        ),
        (
            "list through a choice",
            json!({"$defs": {"List": {"oneOf": [
            {"type": "object", "properties": {"next": {"$ref": "#/$defs/List"}}, "required": ["next"], "additionalProperties": false},
            {"type": "object", "properties": {"end": {"const": true}}, "required": ["end"], "additionalProperties": false}]}},
            "type": "object", "properties": {"list": {"$ref": "#/$defs/List"}}, "required": ["list"]}),
        ),
        (
            "filler meets oneOf",
            json!({"type": "object", "properties": {"t": {"oneOf": [{"type": "string", "maxLength": 30}, {"type": "string", "minLength": 25}]}}, "required": ["t"]}),
        ),
        (
            "x-mcp-header and other strangers",
            object(
                json!({"region": {"type": "string", "x-mcp-header": "Region", "deprecated": true, "readOnly": false}}),
                &["region"],
            ),
        ),
    ]
}
