# Functions of the user data: what comes after them calls them.
set -euo pipefail
umask 022
changed=

# COMMAND, and the package that has it on Amazon Linux and on Debian.
need() {
  local attempt
  ! command -v "$1" >/dev/null || return 0
  for attempt in 1 2 3 4 5; do
    if command -v dnf >/dev/null; then
      dnf -q -y install "$2" && return
    else
      apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "$3" && return
    fi
    echo "signaling: $1 could not be installed, attempt $attempt" >&2
    sleep $((attempt * 5))
  done
  return 1
}

# MODE FILE, content by stdin. A file that has it already is left alone.
put() {
  local new
  new=$(mktemp)
  cat >"$new"
  if ! cmp -s "$new" "$2"; then
    install -D -m "$1" "$new" "$2"
    changed=yes
  fi
  rm -f "$new"
}

# A container as a unit: NAME, seconds to stop, units before it, description, words of docker run, command.
# It is started again when its container ends with an error, and for no other reason. A CloudWatch that does not
# answer must not hold up who writes to stdout. Not `Requires=`: a docker that fails at boot, and is tried again, would
# leave its containers behind for good.
unit() {
  local logs="awslogs-region=$REGION --log-opt awslogs-group=$LOG_GROUP --log-opt awslogs-stream=$1/\${INSTANCE}"
  put 644 "/etc/systemd/system/signaling-$1.service" <<EOF
[Unit]
Description=$4
PartOf=docker.service
After=docker.service network-online.target $3
Wants=docker.service network-online.target
StartLimitIntervalSec=0

[Service]
RuntimeDirectory=signaling/$1
RuntimeDirectoryMode=0700
EnvironmentFile=-/run/signaling/$1/unit
ExecStartPre=-docker stop -t $2 signaling-$1
ExecStartPre=-docker rm -f signaling-$1
ExecStartPre=/usr/local/sbin/signaling prepare $1
ExecStart=docker run --rm --name signaling-$1 --network host --read-only --cap-drop ALL --security-opt no-new-privileges --pids-limit 512 --tmpfs /tmp --stop-timeout $2 --log-driver awslogs --log-opt $logs --log-opt mode=non-blocking --log-opt max-buffer-size=4m $5 \${IMAGE} $6
ExecStop=docker stop -t $2 signaling-$1
Restart=on-failure
RestartSec=2
TimeoutStartSec=600
TimeoutStopSec=$(($2 + 30))

[Install]
WantedBy=multi-user.target
EOF
}

# Starts what does not run, and leaves alone what does. Why something does not start is said here too: this output goes
# to the console, which outlives an instance that its group gives up.
start() {
  local unit failed=
  [ -z "$changed" ] || systemctl daemon-reload
  for unit in docker "$@"; do
    systemctl enable --now "$unit" && continue
    failed="$failed $unit"
    journalctl -q --no-pager -n 20 -u "$unit" >&2 || true
  done
  [ -z "$failed" ] || echo "signaling: not started, and tried again:$failed" >&2
  /usr/local/sbin/signaling launched
  [ -z "$failed" ]
}
