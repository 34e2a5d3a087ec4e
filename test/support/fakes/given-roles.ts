/** An object of roles of which only some members are given: any other throws its own name. */

/** Some members of some roles. */
export type GivenRoles<Roles> = { readonly [Role in keyof Roles]?: Partial<Roles[Role]> };

/** `fake` is who speaks in `literalCluster was not given containers.rename`. */
export function givenRoles<Roles extends object>(fake: string, given: GivenRoles<Roles>): Roles {
  const roles = new Map<string, object>();
  return new Proxy({} as Roles, {
    get(_target, role): unknown {
      if (typeof role === 'symbol' || role === 'then') return undefined;
      const known = roles.get(role) ?? strict(fake, role, Reflect.get(given, role) as object | undefined);
      roles.set(role, known);
      return known;
    },
  });
}

function strict(fake: string, role: string, members: object = {}): object {
  return new Proxy(members, {
    get(target, member): unknown {
      const value: unknown = Reflect.get(target, member);
      if (value !== undefined || typeof member === 'symbol' || member === 'then') return value;
      throw new Error(`${fake} was not given ${role}.${member}`);
    },
  });
}
