import { nameOf, partitionOf } from './names.js';
import type { Settings } from './settings.js';
import { Construct, EcrLifecyclePolicy, EcrRepository } from './terraform.js';

const kept = 20;

/** The image of server and Media Service: a repository in ECR, or an image from elsewhere. */
export class ServerImage extends Construct {
  readonly uri: string;
  /** Of the repository, when it is one in ECR. */
  readonly repositoryArn: string | undefined;
  /** Of the repository that is made. */
  readonly repositoryUrl: string | undefined;

  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id);
    if ('uri' in settings.image) {
      this.uri = settings.image.uri;
      this.repositoryArn = ecrArn(settings.image.uri);
      return;
    }
    const repository = new EcrRepository(this, 'repository', {
      name: nameOf(settings),
      // A tag is an image for good: what was tried is what runs, and a rollback finds what it had.
      imageTagMutability: 'IMMUTABLE',
      imageScanningConfiguration: { scanOnPush: true },
      encryptionConfiguration: [{ encryptionType: 'AES256' }],
      forceDelete: false,
    });
    new EcrLifecyclePolicy(this, 'lifecycle', {
      repository: repository.name,
      policy: JSON.stringify({
        rules: [
          {
            rulePriority: 1,
            description: `The last ${kept} images.`,
            // By tag: a build with an attestation has three manifests, and a rule for any would count each.
            selection: {
              tagStatus: 'tagged',
              tagPatternList: ['*'],
              countType: 'imageCountMoreThan',
              countNumber: kept,
            },
            action: { type: 'expire' },
          },
        ],
      }),
    });
    this.uri = `${repository.repositoryUrl}:${settings.image.tag}`;
    this.repositoryArn = repository.arn;
    this.repositoryUrl = repository.repositoryUrl;
  }
}

/** Of `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG`; other images are everybody's. */
function ecrArn(uri: string): string | undefined {
  const match = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/([^:@]+)[:@]/.exec(uri);
  if (match === null) return undefined;
  const [, account = '', region = '', name = ''] = match;
  return `arn:${partitionOf(region)}:ecr:${region}:${account}:repository/${name}`;
}
