/** What a host runs: a container with what it needs. */
export interface Container {
  /** `server`: the unit and the container are called `signaling-server`. */
  readonly name: string;
  readonly description: string;
  /** Where its image is named: a URI, or `ssm:` and an SSM parameter. */
  readonly image: string;
  /** Lines of its environment file, or of the file that stands for it. */
  readonly environment: readonly string[];
  readonly secrets: readonly Secret[];
  /** Words of `docker run` before the image, and after it. */
  readonly options: readonly string[];
  readonly command: readonly string[];
  /** How long the container may take to end after SIGTERM before it is killed. */
  readonly stopS: number;
  /** Files of its own on the host, by path. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A value that is read from SSM at each start of the service. */
export interface Secret {
  readonly parameter: string;
  /** What stands before the value in the environment file, `NAME=`; `+NAME=`: the version before it too; `>name`: a file of its own. Without spaces. */
  readonly prefix: string;
  readonly suffix?: string;
}
