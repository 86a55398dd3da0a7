// What belongs to AWS: the metadata service (version 2 alone), and what the `aws` command asks for.
import { once } from 'node:events';
import http from 'node:http';

const registryPassword = 'registry-password-of-this-hour';

/** Services and verbs, and the options that each takes, as the AWS CLI's reference has them. */
const verbs = {
  'ssm get-parameter': ['name', 'with-decryption', 'query', 'output'],
  'ecr get-login-password': ['region'],
  'cloudwatch put-metric-data': ['namespace', 'metric-data'],
  'autoscaling complete-lifecycle-action': [
    'auto-scaling-group-name',
    'instance-id',
    'lifecycle-hook-name',
    'lifecycle-action-result',
  ],
  'autoscaling set-instance-health': ['instance-id', 'health-status'],
};

export class Cloud {
  state = { parameters: {}, lifecycle: undefined, refuseLifecycle: 0 };
  /** `aws` commands that were carried out, but for those that only read. */
  calls = [];
  #tokens = new Set();
  #waiting = [];

  /** Merges what the test says. `forget`: what was called until now. */
  change({ forget = false, ...part }) {
    if (forget) this.calls = [];
    Object.assign(this.state, part);
    return {};
  }

  /** The first call of that name, also one that is still to come. */
  called(name) {
    return new Promise((resolve) => {
      this.#waiting.push({ name, resolve });
      this.#tell();
    });
  }

  #tell() {
    this.#waiting = this.#waiting.filter(({ name, resolve }) => {
      const call = this.calls.find((one) => one.name === name);
      if (call !== undefined) resolve(call);
      return call === undefined;
    });
  }

  async listen() {
    const server = http.createServer((request, response) => {
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        const { status, text } = this.#answer(request, Buffer.concat(chunks).toString());
        response.writeHead(status).end(text);
      });
    });
    server.listen(80, '169.254.169.254');
    await once(server, 'listening');
  }

  #answer({ method, url, headers }, body) {
    if (method === 'POST' && url === '/aws') return this.#aws(JSON.parse(body));
    if (method === 'PUT' && url === '/latest/api/token') {
      const token = `metadata-token-${this.#tokens.size}`;
      this.#tokens.add(token);
      return { status: 200, text: token };
    }
    if (!this.#tokens.has(headers['x-aws-ec2-metadata-token'])) return { status: 401, text: '' };
    const { lifecycle } = this.state;
    const known = {
      '/latest/meta-data/instance-id': 'i-0123456789abcdef0',
      '/latest/meta-data/autoscaling/target-lifecycle-state': lifecycle,
    };
    const text = known[url];
    return text === undefined ? { status: 404, text: '' } : { status: 200, text };
  }

  #aws({ words, region }) {
    const [service, verb, ...rest] = words;
    const name = `${service} ${verb}`;
    const known = verbs[name];
    if (known === undefined || region === undefined)
      return { status: 400, text: `aws: ${name}, region ${region}` };
    const options = {};
    for (let at = 0; at < rest.length;) {
      const option = rest[at].replace(/^--/, '');
      if (!known.includes(option)) return { status: 400, text: `aws ${name}: unknown option ${rest[at]}` };
      const values = [];
      for (at += 1; at < rest.length && !rest[at].startsWith('--'); at += 1) values.push(rest[at]);
      options[option] = values.join('\n');
    }
    if (name === 'ssm get-parameter') {
      // NAME, or NAME:VERSION; a parameter's value here is the list of its versions, or the only one.
      const [parameter, version] = options.name.split(':');
      const versions = [this.state.parameters[parameter] ?? []].flat();
      const value =
        options.query === 'Parameter.Version' ? versions.length : versions[(version ?? versions.length) - 1];
      return value === undefined
        ? { status: 400, text: `ParameterNotFound: ${options.name}` }
        : { status: 200, text: `${value}\n` };
    }
    if (name === 'ecr get-login-password')
      return { status: 200, text: `${registryPassword}-in-${options.region ?? region}\n` };
    if (name === 'autoscaling complete-lifecycle-action' && this.state.refuseLifecycle > 0) {
      this.state.refuseLifecycle -= 1;
      return { status: 400, text: 'ValidationError: No active Lifecycle Action found' };
    }
    this.calls.push({ name, ...options });
    this.#tell();
    return { status: 200, text: '' };
  }
}
