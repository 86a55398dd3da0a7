#!/bin/bash
# /usr/local/sbin/signaling: what the units of this host call, and its operator.
#   signaling prepare CONTAINER   image and secrets, before a start
#   signaling update              takes the image that the parameter names now; fails when the host does not get ready
#   signaling watch               figures, leaving when the group says so, reporting itself unhealthy
#   signaling launched            completes the launch of this instance
# The settings are in /etc/signaling, the secrets in /run, which is memory, and in Docker's record of a container while it is there.
set -euo pipefail
umask 077
# shellcheck source=/dev/null
. /etc/signaling/host.conf
export AWS_DEFAULT_REGION=$REGION DOCKER_CONFIG=/run/signaling/docker

# Instance metadata, version 2. The token goes by stdin: arguments are seen by everybody.
imds() {
  local base=http://169.254.169.254/latest token
  token=$(curl -sf -m 2 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' $base/api/token) || return
  printf 'X-aws-ec2-metadata-token: %s' "$token" | curl -sf -m 2 -H @- "$base/meta-data/$1"
}

parameter() {
  aws ssm get-parameter --with-decryption --name "$1" --query Parameter.Value --output text </dev/null
}

image_of() {
  local source
  source=$(<"/etc/signaling/$1.image")
  case $source in
    ssm:*) parameter "${source#ssm:}" ;;
    *) echo "$source" ;;
  esac
}

# An image that is here is not asked for again: a registry that is down keeps no service from starting.
pull() {
  local region=${1#*.dkr.ecr.}
  docker image inspect "$1" >/dev/null 2>&1 && return
  case $1 in
    *.dkr.ecr.*) aws ecr get-login-password --region "${region%%.*}" | docker login -u AWS --password-stdin "${1%%/*}" >/dev/null ;;
  esac
  docker pull -q "$1" >/dev/null
  rm -rf "$DOCKER_CONFIG"
}

# The version before the present one, if there is one.
previous() {
  local version
  version=$(aws ssm get-parameter --name "$1" --query Parameter.Version --output text </dev/null)
  [ "$version" = 1 ] || parameter "$1:$((version - 1))"
}

# Secrets come with each line of CONTAINER.secrets: parameter, what stands before the value, what behind; or `>file`. `+`: the
# version before goes into a line of its own, so that who was given the old one is still known.
prepare() {
  local to=/run/signaling/$1 image id parameter prefix suffix value
  image=$(image_of "$1")
  pull "$image"
  id=$(imds instance-id)
  printf 'IMAGE=%s\nINSTANCE=%s\n' "$image" "$id" >"$to/unit"
  cp "/etc/signaling/$1.env" "$to/env"
  [ "$1" != server ] || echo "NODE_ID=$id" >>"$to/env"
  while read -r parameter prefix suffix; do
    [ -n "$parameter" ] || continue
    value=$(parameter "$parameter")
    case $prefix in
      '>'*) printf '%s\n' "$value" >"$to/${prefix#>}" ;;
      +*)
        printf '%s%s\n' "${prefix#+}" "$value" >>"$to/env"
        value=$(previous "$parameter") || value=
        [ -z "$value" ] || printf '%s%s\n' "${prefix#+}" "$value" >>"$to/env"
        ;;
      *) printf '%s%s%s\n' "$prefix" "${value//$'\n'/\\n}" "$suffix" >>"$to/env" ;;
    esac
  done <"/etc/signaling/$1.secrets"
  # coturn runs as this user, and nothing else does.
  [ "$1" != turn ] || chown -R 10478:10478 "$to"
}

answers() {
  curl -sf -m 2 -o /dev/null "http://127.0.0.1:$1"
}

lives() {
  case $1 in
    server) answers "$HTTP_PORT/healthz" ;;
    media) answers "$MEDIA_PORT/health" ;;
    *) systemctl -q is-active "signaling-$1" ;;
  esac
}

# The image first, while the old one serves; then the shortest stop.
update() {
  local container until
  for container in $CONTAINERS; do pull "$(image_of "$container")"; done
  for container in $CONTAINERS; do
    case $container in server | media) systemctl restart "signaling-$container" ;; esac
  done
  # From here on: fetching and draining have times of their own.
  until=$((SECONDS + 90))
  for container in $CONTAINERS; do
    until lives "$container" && { [ "$container" != server ] || answers "$HTTP_PORT/readyz"; }; do
      if ((SECONDS > until)); then
        echo "signaling: $container is not ready: put the former image into the parameter, and update again" >&2
        return 1
      fi
      sleep 1
    done
  done
  docker image prune -af --filter until=720h >/dev/null || true
}

lifecycle() {
  aws autoscaling complete-lifecycle-action --auto-scaling-group-name "$GROUP" --instance-id "$(imds instance-id)" \
    --lifecycle-hook-name "$1" --lifecycle-action-result "$2"
}

launched() {
  [ -n "$GROUP" ] && [ ! -e /var/lib/signaling/launched ] || return 0
  until answers "$HTTP_PORT/readyz"; do
    if ((SECONDS > LAUNCH_TIMEOUT_S)); then
      lifecycle "$LAUNCH_HOOK" ABANDON
      return 1
    fi
    sleep 2
  done
  # A refusal is not the end of a server that is ready: the group may not wait for it yet, or AWS be busy.
  until lifecycle "$LAUNCH_HOOK" CONTINUE; do
    ((SECONDS <= LAUNCH_TIMEOUT_S)) || return 1
    sleep 2
  done
  mkdir -p /var/lib/signaling
  touch /var/lib/signaling/launched
}

# The group takes this instance away, or EC2 does (spot).
is_leaving() {
  [ "$(imds autoscaling/target-lifecycle-state)" = Terminated ] || imds spot/instance-action >/dev/null
}

# The group may not have come to its hook yet: it is told until it hears.
leave() {
  # shellcheck disable=SC2086 # words
  systemctl stop $UNITS
  [ -n "$GROUP" ] || return 0
  until lifecycle "$TERMINATE_HOOK" CONTINUE; do sleep 5; done
}

# How often containers died and were started again: that a server is back within seconds hides it from all else.
restarts() {
  # shellcheck disable=SC2086 # words
  systemctl show -P NRestarts $UNITS | awk '{n += $1} END {print n + 0}'
}

report() {
  local container memory disk total healthy=1 ready=0 group="Dimensions=[{Name=group,Value=$METRIC_GROUP}]"
  memory=$(awk '/^MemTotal/ {t = $2} /^MemAvailable/ {a = $2} END {printf "%.1f", 100 * (t - a) / t}' /proc/meminfo)
  disk=$(df --output=pcent / | tr -dc 0-9)
  for container in $CONTAINERS; do lives "$container" || healthy=0; done
  total=$(restarts)
  set -- "mem_used_percent,Value=$memory" "disk_used_percent,Value=$disk" "healthy,Value=$healthy"
  # A start by hand begins at 0 again.
  set -- "$@" "restarts,Value=$((total > known_restarts ? total - known_restarts : 0))"
  known_restarts=$total
  if [ -n "$HTTP_PORT" ]; then
    ! answers "$HTTP_PORT/readyz" || ready=1
    set -- "$@" "ready,Value=$ready"
  fi
  aws cloudwatch put-metric-data --namespace "$NAMESPACE" --metric-data "${@/#/$group,MetricName=}"
}

# Nothing here ends a container. A host whose server is dead for long says so, and its group replaces it.
watch() {
  local report_at=0 alive_at=$SECONDS known_restarts
  known_restarts=$(restarts)
  until is_leaving; do
    if ((SECONDS >= report_at)); then
      report_at=$((SECONDS + 60))
      report || echo 'signaling: CloudWatch did not take the figures' >&2
    fi
    if [ -z "$GROUP" ] || lives server; then
      alive_at=$SECONDS
    elif ((SECONDS - alive_at >= UNHEALTHY_AFTER_S)); then
      alive_at=$SECONDS
      aws autoscaling set-instance-health --instance-id "$(imds instance-id)" --health-status Unhealthy || true
    fi
    sleep 5
  done
  leave
}

case ${1-} in
  prepare) prepare "$2" ;;
  update | watch | launched) "$1" ;;
  *)
    echo 'usage: signaling update | watch | launched | prepare CONTAINER' >&2
    exit 64
    ;;
esac
