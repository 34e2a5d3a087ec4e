/** The holder of what another one asks for, as a refusal names it. Pure. */

interface OfDeployment {
  readonly deployment: string;
}

/** By name within the deployment that asks: names of others are not for everybody who reads why it is refused. */
export const whoHas = (asking: OfDeployment, holder: OfDeployment, name: string): string =>
  asking.deployment === holder.deployment ? `service '${name}'` : 'a service of another deployment';
