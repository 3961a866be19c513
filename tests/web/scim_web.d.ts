/* tslint:disable */
/* eslint-disable */

/** A value as JSON has it. */
export type JsonValue =
| null | boolean | number | string | JsonValue[] | { [name: string]: JsonValue };

/** JSON text, or a value that `JSON.stringify` writes as an object. */
export type Json = string | object;

/** What a method gives: a value, or why there is none. No method throws. */
export type Outcome<T> =
| { ok: true; value: T }
| { ok: false; error: ScimError };

/** The keywords of RFC 7644 section 3.12, table 9. */
export type ScimType =
| "invalidFilter" | "tooMany" | "uniqueness" | "mutability" | "invalidSyntax"
| "invalidPath" | "noTarget" | "invalidValue" | "invalidVers" | "sensitive";

/** Why something is refused. */
export interface ScimError {
    /** The HTTP status that a service would answer with. */
    status: number;
    scimType: ScimType | null;
    /** A sentence for people. */
    detail: string;
    /** The path of the attribute that it is about. */
    attribute?: string;
    /** Where a filter is malformed: an index into its text. */
    position?: number;
}

/** Something wrong with a resource. */
export interface Problem extends ScimError {
    /** Where in the resource it is: a JSON Pointer (RFC 6901). */
    pointer?: string;
}

/** A resource as a client gets it. */
export interface Resource {
    schemas: string[];
    [attribute: string]: JsonValue;
}

export interface Validation {
    /** All problems (at most 100), or the first; empty when there is none. */
    problems: Problem[];
    /** The resource as a service understands it, when there is no problem. */
    resource: Resource | null;
}

export interface ValidateOptions {
    /** Stop at the first problem, as a service does. */
    firstOnly?: boolean;
}

export interface ExplainedFilter {
    /** The filter in one way of writing it. */
    canonical: string;
    /** What it asks, in English. */
    sentence: string;
    tree: FilterNode;
}

export type AttributeType =
| "string" | "boolean" | "decimal" | "integer" | "dateTime" | "binary" | "reference" | "complex";

export type FilterNode =
| { op: "and" | "or"; terms: FilterNode[] }
| { op: "not"; term: FilterNode }
/** A value path: one element of the attribute meets the condition. */
| { op: "has"; attribute: string; condition: FilterNode }
| FilterPresence
| FilterComparison;

export interface FilterPresence {
    op: "pr";
    /** The full path, such as `emails.value`. */
    attribute: string;
    type: AttributeType;
    multiValued: boolean;
    /** Whether upper and lower case differ. */
    caseExact: boolean;
}

export interface FilterComparison extends Omit<FilterPresence, "op"> {
    op: "eq" | "ne" | "co" | "sw" | "ew" | "gt" | "ge" | "lt" | "le";
    /** In the attribute's type; dates and bytes as text. */
    value: string | number | boolean;
}

export interface Patched {
    changed: boolean;
    before: Resource;
    after: Resource;
    changes: Change[];
}

/** A changed attribute or sub-attribute. Of what is never returned only the path is told. */
export type Change =
| { path: string; before?: JsonValue; after?: JsonValue }
/** Of a multi-valued attribute; both lists are empty when only the order has changed. */
| { path: string; removed: JsonValue[]; added: JsonValue[] };

export interface Projection {
    /** Names, in a list or separated by commas. */
    attributes?: string | string[];
    /** Names, in a list or separated by commas. */
    excludedAttributes?: string | string[];
}

/** Schemas and resource types of one's own, as in the plugin's configuration. */
export interface Documents {
    /** Schemas (RFC 7643 section 7). */
    schemas?: SchemaDocument[];
    /** Resource types (RFC 7643 section 6); one of a known name adds its extensions to that. */
    resource_types?: ResourceTypeDocument[];
}

export interface SchemaDocument {
    id: string;
    name: string;
    description?: string;
    attributes: AttributeDocument[];
    [key: string]: unknown;
}

export interface AttributeDocument {
    name: string;
    type?: AttributeType;
    multiValued?: boolean;
    description?: string;
    required?: boolean;
    caseExact?: boolean;
    mutability?: "readOnly" | "readWrite" | "immutable" | "writeOnly";
    returned?: "always" | "never" | "default" | "request";
    uniqueness?: "none" | "server" | "global";
    canonicalValues?: string[];
    referenceTypes?: string[];
    subAttributes?: AttributeDocument[];
    [key: string]: unknown;
}

export interface ResourceTypeDocument {
    name: string;
    description?: string;
    endpoint?: string;
    schema?: string;
    schemaExtensions?: { schema: string; required?: boolean }[];
    [key: string]: unknown;
}



/**
 * SCIM 2.0 as scim-edge speaks it, for one set of schemas and resource types.
 */
export class Scim {
    free(): void;
    [Symbol.dispose](): void;
    /**
     * Applies a PATCH request to a resource as a service gives it, and shows the difference.
     */
    applyPatch(resourceType: string, resource: Json, request: Json): Outcome<Patched>;
    /**
     * With schemas and resource types of one's own beside those of RFC 7643.
     */
    static compile(documents: Documents | string): Outcome<Scim>;
    /**
     * Whether a resource, as a service gives it, meets a filter.
     */
    evaluateFilter(resourceType: string, filter: string, resource: Json): Outcome<boolean>;
    /**
     * Tells what a filter asks.
     */
    explainFilter(resourceType: string, filter: string): Outcome<ExplainedFilter>;
    /**
     * With the schemas and resource types of RFC 7643. It would throw if one of them were
     * wrong, which a test excludes.
     */
    constructor();
    /**
     * Reads a filter and gives it back in one way of writing it.
     */
    parseFilter(resourceType: string, filter: string): Outcome<string>;
    /**
     * A resource with the attributes that are asked for (RFC 7644 §3.9).
     */
    project(resourceType: string, resource: Json, projection?: Projection): Outcome<Resource>;
    /**
     * The documents of `/ResourceTypes`.
     */
    resourceTypes(): Outcome<Resource[]>;
    /**
     * The documents of `/Schemas`.
     */
    schemas(): Outcome<Resource[]>;
    /**
     * Reads a resource as the body of a POST and tells what is wrong with it.
     */
    validate(resourceType: string, resource: Json, options?: ValidateOptions): Outcome<Validation>;
}
