// An older version of the API as a model of its own: the same tables, policies and indexes, whose
// fields and resources carry the names of that version. Everything that reads a model speaks that
// version's names, therefore; what is written down for good (audit, events) uses `ownName`.
//
// Objects are written out member by member: a member that is new to the model must be thought of.
import type { VersionChanges } from "./declare-contract.ts";
import type {
  AggregatesModel,
  CreateGrant,
  DeprecatedModel,
  FieldModel,
  IndexModel,
  ManyRelationModel,
  Model,
  Operand,
  PartIndex,
  Predicate,
  ReadGrant,
  RelationModel,
  ResourceModel,
  RoleAccess,
  SearchModel,
  TableModel,
  UpdateGrant,
} from "./model.ts";
import { kebabCase } from "./model.ts";

// No name that a caller could send.
const OMITTED = "~";

/** Whether the version does not know the field. */
export function isOmitted(field: FieldModel): boolean {
  return field.name.startsWith(OMITTED);
}

/** The model of an older version. `changes` is by resource and was checked. */
export function versionModel(
  model: Model,
  version: string,
  deprecation: Model["deprecation"],
  changes: Readonly<Record<string, false | VersionChanges>>,
): Model {
  const names = new VersionNames(model, changes);
  const tables = new Map([...model.tables].map(([key, table]) => [key, names.table(table)]));
  const resources = new Map(
    [...model.resources].map(([key, resource]) => [key, names.resource(resource)]),
  );
  return Object.freeze({
    name: model.name,
    version,
    deprecation,
    older: [],
    roles: model.roles,
    claims: model.claims,
    tables,
    resources,
    tenant: names.table(model.tenant),
    relations: model.relations,
  });
}

class VersionNames {
  readonly #changes: Readonly<Record<string, false | VersionChanges>>;
  /** Each object of the model has one of the version, so that both compare alike. */
  readonly #made = new Map<object, object>();
  readonly #tableOf = new Map<FieldModel | RelationModel, TableModel>();
  readonly #tables: ReadonlyMap<string, TableModel>;

  constructor(model: Model, changes: Readonly<Record<string, false | VersionChanges>>) {
    this.#changes = changes;
    this.#tables = model.tables;
    for (const table of model.tables.values()) {
      for (const field of table.fields.values()) this.#tableOf.set(field, table);
      for (const relation of table.relations.values()) this.#tableOf.set(relation, table);
    }
  }

  table(table: TableModel): TableModel {
    return this.#once(table, () => {
      const fields = [...table.fields.values()].map((field) => this.#field(field));
      const relations = [...table.relations.values()]
        .filter((relation) => this.#changes[relation.target] !== false)
        .map((relation) => [relation.name, this.#relation(relation)] as const);
      const many = [...table.manyRelations.values()].filter(
        (relation) => this.#changes[relation.target] !== false,
      );
      const name = (field: string): string => this.#name(table, field);
      return {
        key: table.key,
        schema: table.schema,
        sqlName: table.sqlName,
        fields: new Map(fields.map((field) => [field.name, field])),
        tenantField: table.tenantField && this.#field(table.tenantField),
        deletedField: table.deletedField && this.#field(table.deletedField),
        versionField: table.versionField && this.#field(table.versionField),
        updatedField: table.updatedField && this.#field(table.updatedField),
        relations: new Map(relations),
        manyRelations: new Map(many.map((relation) => [relation.name, this.#many(relation)])),
        indexes: table.indexes.map((index) => renameIndex(index, name)),
        partIndexes: table.partIndexes.map((index) => renamePartIndex(index, name)),
        references: renameKeys(table.references, name),
      };
    });
  }

  resource(resource: ResourceModel): ResourceModel {
    const changes = this.#changes[resource.ownName];
    const { as = resource.name, omitOperations = [] } = changes === false ? {} : (changes ?? {});
    const name = (field: string): string => this.#name(resource.table, field);
    return Object.freeze({
      name: as,
      ownName: resource.ownName,
      path: kebabCase(as),
      omitted: changes === false ? "all" : new Set<string>(omitOperations),
      scope: resource.scope,
      table: this.table(resource.table),
      served: this.#fields(resource.served),
      recorded: resource.recorded.map((field) => this.#field(field)),
      states: renameKeys(resource.states, name),
      actions: resource.actions,
      search: resource.search && this.#search(resource.search),
      aggregates: resource.aggregates && this.#aggregates(resource.aggregates),
      deprecated: this.#deprecated(resource.deprecated, name),
      access: new Map([...resource.access].map(([role, access]) => [role, this.#access(access)])),
    });
  }

  #once<T extends object>(of: T, make: () => T): T {
    const known = this.#made.get(of) as T | undefined;
    if (known !== undefined) return known;
    const made = Object.freeze(make());
    this.#made.set(of, made);
    return made;
  }

  #field(field: FieldModel): FieldModel {
    const table = this.#tableOf.get(field);
    if (table === undefined) return field;
    return this.#once(field, () => ({ ...field, name: this.#name(table, field.name) }));
  }

  /** Those that the version knows. */
  #fields(fields: readonly FieldModel[]): readonly FieldModel[] {
    return fields.map((field) => this.#field(field)).filter((field) => !isOmitted(field));
  }

  #name(table: TableModel, field: string): string {
    const { rename, omit } = this.#changes[table.key] || {};
    return omit?.includes(field) ? OMITTED + field : (rename?.[field] ?? field);
  }

  #relation(relation: RelationModel): RelationModel {
    return this.#once(relation, () => {
      const source = this.#tableOf.get(relation);
      const target = this.#tables.get(relation.target);
      return {
        kind: relation.kind,
        name: relation.name,
        key: source === undefined ? relation.key : this.#name(source, relation.key),
        target: relation.target,
        targetKey:
          target === undefined ? relation.targetKey : this.#name(target, relation.targetKey),
        optional: relation.optional,
      };
    });
  }

  #many(relation: ManyRelationModel): ManyRelationModel {
    return this.#once(relation, () => {
      const { through, target } = relation;
      const holder = this.#tables.get(through?.table ?? target);
      const name = (field: string): string =>
        holder === undefined ? field : this.#name(holder, field);
      return {
        kind: relation.kind,
        name: relation.name,
        key: name(relation.key),
        target,
        through: through && { table: through.table, targetKey: name(through.targetKey) },
      };
    });
  }

  #deprecated({ fields, operations }: DeprecatedModel, name: (field: string) => string) {
    const renamed = [...fields].map(([field, { use, ...rest }]) => {
      const successor = use === undefined ? {} : { use: name(use) };
      return [name(field), { ...rest, ...successor }] as const;
    });
    return { fields: new Map(renamed), operations };
  }

  /** One index holds the words of all fields together: a version has them all, or no search. */
  #search({ fields, language }: SearchModel): SearchModel | undefined {
    const known = this.#fields(fields);
    return known.length === fields.length ? { fields: known, language } : undefined;
  }

  #aggregates({ groupBy, measures }: AggregatesModel): AggregatesModel {
    return Object.freeze({
      groupBy: this.#fields(groupBy),
      measures: {
        sum: this.#fields(measures.sum),
        avg: this.#fields(measures.avg),
        min: this.#fields(measures.min),
        max: this.#fields(measures.max),
      },
    });
  }

  #access({ read, create, update, delete: remove, actions }: RoleAccess): RoleAccess {
    return Object.freeze({
      read: read && this.#read(read),
      create: create && this.#create(create),
      update: update && this.#update(update),
      delete: remove && Object.freeze({ rows: this.#predicate(remove.rows) }),
      actions,
    });
  }

  #read({ rows, fields }: ReadGrant): ReadGrant {
    return Object.freeze({ rows: this.#predicate(rows), fields: this.#fields(fields) });
  }

  #create({ rows, fields, set }: CreateGrant): CreateGrant {
    const forced = [...set].map(([field, value]): [FieldModel, Operand] => [
      this.#field(field),
      value,
    ]);
    return Object.freeze({
      rows: this.#predicate(rows),
      fields: this.#fields(fields),
      set: new Map(forced),
    });
  }

  #update({ rows, after, fields }: UpdateGrant): UpdateGrant {
    return Object.freeze({
      rows: this.#predicate(rows),
      after: this.#predicate(after),
      fields: this.#fields(fields),
    });
  }

  #predicate(predicate: Predicate): Predicate {
    switch (predicate.kind) {
      case "everything":
        return predicate;
      case "all":
      case "any":
        return { ...predicate, of: predicate.of.map((part) => this.#predicate(part)) };
      case "not":
        return { ...predicate, of: this.#predicate(predicate.of) };
      case "related": {
        const { relation: of } = predicate;
        const relation = of.kind === "one" ? this.#relation(of) : this.#many(of);
        return { ...predicate, relation, where: this.#predicate(predicate.where) };
      }
      default:
        return { ...predicate, field: this.#field(predicate.field) };
    }
  }
}

function renameIndex(index: IndexModel, name: (field: string) => string): IndexModel {
  const keys = index.keys.map((key) => ({ ...key, field: name(key.field) }));
  return { name: index.name, unique: index.unique, keys };
}

function renamePartIndex(index: PartIndex, name: (field: string) => string): PartIndex {
  return index.kind === "words"
    ? { ...index, fields: index.fields.map(name) }
    : { ...index, field: name(index.field) };
}

function renameKeys<V>(
  map: ReadonlyMap<string, V>,
  name: (field: string) => string,
): ReadonlyMap<string, V> {
  return new Map([...map].map(([key, value]) => [name(key), value]));
}
