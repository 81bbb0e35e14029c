"""The leaves of a vendor's interface description: every place where a message can hold a value, by its path."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

METHODS = ("get", "put", "post", "delete", "patch")
Schema = dict[str, Any]


class Description:
    """A Swagger 2, OpenAPI 3 or JSON schema file."""

    def __init__(self, path: Path) -> None:
        self.file: Schema = json.loads(path.read_text(encoding="utf-8"))

    def operations(self) -> Iterator[tuple[str, str, Schema]]:
        """(id, `METHOD path`, operation) of everything in the file."""
        for path, methods in self.file["paths"].items():
            for method, operation in methods.items():
                if method in METHODS:
                    yield operation["operationId"], f"{method.upper()} {path}", operation

    def requested(self, operation: Schema) -> set[str]:
        """`place leaf` of everything that a request can hold. Authorization is not a leaf: whoever sends adds it."""
        found: set[str] = set()
        for given in map(self._resolved, operation.get("parameters", [])):
            if given["in"] == "body":
                found |= {f"body {leaf}" for leaf in self.leaves(given["schema"])}
            elif given["name"] != "Authorization":
                many = (given.get("schema") or given).get("type") == "array"
                found.add(f"{given['in']} {given['name']}{'[]' if many else ''}")
        for content in operation.get("requestBody", {}).get("content", {}).values():
            found |= {f"body {leaf}" for leaf in self.leaves(content["schema"])}
        return found

    def answered(self, operation: Schema, *, errors: bool = False) -> set[str]:
        """`answer leaf` of every success without its list of errors; with `errors` `error leaf` of everything else."""
        found: set[str] = set()
        for status, told in operation["responses"].items():
            if (status[0] == "2") is errors:
                continue
            response = self._resolved(told)
            contents = (
                [response["schema"]]
                if "schema" in response
                else [c["schema"] for c in response.get("content", {}).values()]
            )
            for schema in contents:
                found |= {leaf for leaf in self.leaves(schema) if leaf}
        if errors:
            return {f"error {leaf}" for leaf in found}
        return {f"answer {leaf}" for leaf in found if not leaf.startswith("errors[]")}

    def leaves(self, schema: Schema) -> set[str]:
        """The leaf paths of a schema; `{}` stands for names that the sender makes up."""
        return {path for path, _ in self.walk(schema)}

    def words(self, operation: Schema) -> dict[str, set[str]]:
        """The words that the vendor has for a leaf of a request's body, where it lists them."""
        bodies = [
            given["schema"] for given in map(self._resolved, operation.get("parameters", [])) if given["in"] == "body"
        ]
        bodies += [content["schema"] for content in operation.get("requestBody", {}).get("content", {}).values()]
        return {path: set(leaf["enum"]) for body in bodies for path, leaf in self.walk(body) if "enum" in leaf}

    def promised(self, operation: Schema) -> set[str]:
        """What a success always holds where its surroundings are there: leaves and objects that their schema requires."""
        found: set[str] = set()
        for status, told in operation["responses"].items():
            response = self._resolved(told)
            if status[0] == "2" and "schema" in response:
                found |= set(self._required(response["schema"], ""))
        return {leaf for leaf in found if not leaf.startswith("errors")}

    def _required(self, schema: Schema, path: str) -> Iterator[str]:
        schema = self._resolved(schema)
        for key, part in schema.get("properties", {}).items():
            inner = f"{path}.{key}" if path else key
            if key in schema.get("required", ()):
                yield inner
            yield from self._required(part, inner)
        if "items" in schema:
            yield from self._required(schema["items"], f"{path}[]")

    def walk(self, schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
        """(path, schema) of every leaf."""
        schema = self._resolved(schema)
        for way in ("allOf", "oneOf", "anyOf"):
            if way in schema:
                for part in [*schema[way], *([{"properties": schema["properties"]}] if "properties" in schema else [])]:
                    yield from self.walk(part, path)
                return
        if schema.get("properties"):
            for key, part in schema["properties"].items():
                yield from self.walk(part, f"{path}.{key}" if path else key)
        elif isinstance(schema.get("additionalProperties"), dict):
            yield from self.walk(schema["additionalProperties"], f"{path}.{{}}" if path else "{}")
        elif "items" in schema or schema.get("type") == "array":
            yield from self.walk(schema.get("items", {}), f"{path}[]")
        else:
            yield path, schema

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            found: Any = self.file
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            schema = found
        return schema
