/** Go's templates (text/template), as services have them in env, hostname and mounts: read and filled in, without effects. */
export { expandGoTemplate, type GoValue, hasTemplate } from './expand.ts';
export { GoTemplateError } from './parse.ts';
