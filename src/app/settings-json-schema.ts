import { settingsSchema } from './settings-schema.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** One key of `holdfast.json` for people. */
export interface SettingsKey {
  /** `capture.maxFileSize` */
  readonly name: string;
  readonly means: string;
  /** As written in the file; undefined when there is none. */
  readonly defaultValue: unknown;
}

/** The JSON Schema of `holdfast.json`, for editors. Made from the same definition that checks the file. */
export function settingsJsonSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'holdfast.json',
    ...jsonSchemaOf(settingsSchema),
  };
}

/** Every key with its meaning and default, in the order of the definition. */
export function settingsKeys(): SettingsKey[] {
  return keysBelow(settingsJsonSchema(), '');
}

function keysBelow(schema: JsonSchema, prefix: string): SettingsKey[] {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>;
  return Object.entries(properties).flatMap(([key, property]) => {
    const name = prefix + key;
    if (property['properties'] !== undefined) return keysBelow(property, `${name}.`);
    const own = { name, means: (property['description'] ?? '') as string, defaultValue: property['default'] };
    const group = alternatives(property).find((option) => option['properties'] !== undefined);
    return [own, ...(group === undefined ? [] : keysBelow(group, `${name}.`))];
  });
}

function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  return (schema['anyOf'] ?? []) as readonly JsonSchema[];
}

/** The parts of a valibot schema this reads. */
interface Definition {
  readonly type: string;
  readonly entries?: Readonly<Record<string, Definition>>;
  readonly wrapped?: Definition;
  readonly default?: unknown;
  readonly item?: Definition;
  readonly options?: readonly (Definition | string)[];
  readonly literal?: unknown;
  readonly pipe?: readonly Definition[];
  readonly description?: string;
  readonly requirement?: unknown;
}

function jsonSchemaOf(value: unknown): JsonSchema {
  const definition = value as Definition;
  if (definition.pipe !== undefined) return pipeSchema(definition.pipe);
  switch (definition.type) {
    case 'object': {
      const entries = Object.entries(definition.entries ?? {});
      const required = entries.filter(([, entry]) => !isOptional(entry)).map(([key]) => key);
      return {
        type: 'object',
        additionalProperties: false,
        properties: Object.fromEntries(entries.map(([key, entry]) => [key, jsonSchemaOf(entry)])),
        ...(required.length === 0 ? {} : { required }),
      };
    }
    case 'optional': {
      const inner = jsonSchemaOf(definition.wrapped);
      return definition.default === undefined ? inner : { ...inner, default: definition.default };
    }
    case 'array':
      return { type: 'array', items: jsonSchemaOf(definition.item) };
    case 'union':
      return { anyOf: (definition.options ?? []).map(jsonSchemaOf) };
    case 'picklist':
      return { enum: definition.options };
    case 'literal':
      return { const: definition.literal };
    default:
      return { type: definition.type };
  }
}

/** A schema followed by checks. Checks after a transformation speak of the program's value, not of the file's. */
function pipeSchema(pipe: readonly Definition[]): JsonSchema {
  const [first, ...actions] = pipe;
  let schema = jsonSchemaOf(first);
  let isTransformed = false;
  for (const action of actions) {
    if (action.type === 'transform') isTransformed = true;
    else if (action.type === 'description') schema = { ...schema, description: action.description };
    else if (!isTransformed) schema = { ...schema, ...checkSchema(action) };
  }
  return schema;
}

function checkSchema(action: Definition): JsonSchema {
  switch (action.type) {
    case 'integer':
      return { type: 'integer' };
    case 'min_value':
      return { minimum: action.requirement };
    case 'max_value':
      return { maximum: action.requirement };
    case 'max_length':
      return { maxLength: action.requirement };
    default:
      return {};
  }
}

function isOptional(definition: Definition): boolean {
  return definition.type === 'optional' || (definition.pipe?.some((part) => part.type === 'optional') ?? false);
}
