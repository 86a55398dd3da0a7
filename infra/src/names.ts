/** What things are called. */
import type { Settings } from './settings.js';

/** `webrtc-signaling-<environment>`, with what it is the name of. */
export function nameOf({ environment }: Pick<Settings, 'environment'>, ...what: readonly string[]): string {
  return ['webrtc-signaling', environment, ...what].join('-');
}

/** What everything that is made is marked with. */
export function tagsOf({
  tags,
  environment,
}: Pick<Settings, 'tags' | 'environment'>): Record<string, string> {
  return { ...tags, Application: 'webrtc-signaling', Environment: environment, ManagedBy: 'cdktf' };
}

/** Where in SSM the environment's secret of this name is. */
export function parameterOf({ environment }: Pick<Settings, 'environment'>, name: string): string {
  return `/webrtc-signaling/${environment}/${name}`;
}

/** Of the ARNs of a region. */
export function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
