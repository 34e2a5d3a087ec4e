/** Go's templates: expected texts are those of Go's text/template, and for swarm's fields those of swarmkit's own tests (template/context_test.go). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { expandGoTemplate, GoTemplateError, type GoValue } from '../../../src/text/go-template/index.ts';

const context: GoValue = {
  Service: {
    ID: 'serviceID',
    Name: 'serviceName',
    Labels: new Map([
      ['b', 'two'],
      ['a', 'one'],
    ]),
  },
  Node: { ID: 'nodeID', Hostname: 'mynode', Platform: { Architecture: 'x86_64', OS: 'linux' } },
  Task: { ID: 'taskID', Name: 'serviceName.10.taskID', Slot: '10' },
};

describe('a template of Go', () => {
  for (const [template, text] of [
    ['plain', 'plain'],
    ['{{.Service.Name}}-{{.Task.Slot}}', 'serviceName-10'],
    ['bar-{{ .Node.ID }}-{{.Task.Name}}', 'bar-nodeID-serviceName.10.taskID'],
    ['{{.Node.Hostname}}-{{.Node.Platform.OS}}-{{.Node.Platform.Architecture}}', 'mynode-linux-x86_64'],
    ['{{range $k, $v := .Service.Labels}}{{$k}}={{$v}},{{end}}', 'a=one,b=two,'],
    ['{{range .Service.Labels}}{{.}};{{else}}none{{end}}', 'one;two;'],
    ['{{index .Service.Labels "a"}}', 'one'],
    ['{{index .Service.Labels "c"}}', ''],
    ['{{.Service.Labels.c}}', '<no value>'],
    ['{{with index .Service.Labels "a"}}<{{.}}>{{end}}', '<one>'],
    ['{{join "-" .Service.Name .Task.Slot}}', 'serviceName-10'],
    ['{{.Task.Slot | printf "%s-%03d" "n"}}', 'n-010'],
    ['{{if eq .Task.Slot "10"}}ten{{else}}other{{end}}', 'ten'],
    ['{{if eq .Task.Slot "1" "2"}}first{{else if and (ne .Task.Slot "3") true}}later{{else}}third{{end}}', 'later'],
    ['{{if not (index .Service.Labels "x")}}none{{end}}', 'none'],
    ['{{$name := .Service.Name}}{{$name}}/{{$.Task.Slot}}', 'serviceName/10'],
    ['{{$n := "a"}}{{if true}}{{$n = "b"}}{{end}}{{$n}}', 'b'],
    ['a {{- "b" -}} c', 'abc'],
    ['{{/* nothing */}}x{{`raw "text"`}}', 'xraw "text"'],
    ['{{"quoted \\" and \\u00e9"}}', 'quoted " and é'],
    ['{{len .Service.Labels}} {{len "abc"}} {{lt 1 2}}', '2 3 true'],
    ['{{print "a" 1 2 "b"}}', 'a1 2b'],
  ] as const)
    it(`${template} is ${text}`, () => assert.equal(expandGoTemplate(template, context), text));

  for (const [template, why] of [
    ['{{.Foo}}', /template: expansion:1: executing "expansion" at <\.Foo>: can't evaluate field Foo/],
    ['{{.Service.constructor}}', /can't evaluate field constructor/],
    ['{{.Service.Name', /unclosed action/],
    ['{{env "HOME"}}', /function "env" not defined/],
    ['{{constructor}}', /function "constructor" not defined/],
    ['{{if .Service.Name}}x', /unexpected EOF/],
    ['{{end}}', /unexpected \{\{end\}\}/],
    ['{{}}', /missing value for command/],
    ['{{"a" "b"}}', /can't give argument to non-function/],
    ['{{$x}}', /undefined variable "\$x"/],
    ['{{template "x"}}', /\{\{template\}\} is not supported/],
    ['{{.Service.Name ]}}', /unexpected "\]"/],
  ] as const)
    it(`${template} is refused, in Go’s words`, () => assert.throws(() => expandGoTemplate(template, context), why));

  it('that would grow without end is refused', () => {
    const labels = new Map(Array.from({ length: 300 }, (_, i) => [`k${i}`, 'v'.repeat(50)] as const));
    const nested = '{{range .}}{{range $}}{{range $}}{{.}}{{end}}{{end}}{{end}}';
    assert.throws(() => expandGoTemplate(nested, labels), GoTemplateError);
  });
});
