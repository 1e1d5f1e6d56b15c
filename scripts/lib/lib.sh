# shellcheck shell=bash
# The first line of every step script sources this file: strict mode, a report of what failed, and the few functions
# that all components need. Everything here may run any number of times.
set -Eeuo pipefail

# BASH_COMMAND is the command as written, before its variables are filled in, so it shows no secret.
trap 'report_failure "$?" "${BASH_SOURCE[0]}" "$LINENO" "$BASH_COMMAND"' ERR

report_failure() {
    echo "$LABGEN_COMPONENT/$(basename "$2") line $3: exit code $1 from: $4" >&2
}

# die MESSAGE…: ends the step with a message.
die() {
    echo "$LABGEN_COMPONENT/$LABGEN_STAGE: $*" >&2
    exit 1
}

# ---------------------------------------------------------------- packages

# apt_install PACKAGE…: installs what is missing; PACKAGE=VERSION is also missing where another version is installed. No package may start a service: its configuration is not there yet.
apt_install() {
    local missing
    missing=$(packages_missing "$@")
    [[ -n $missing ]] || return 0
    (
        flock 8 # components may be installed side by side, policy-rc.d is one file
        forbid_service_starts
        trap allow_service_starts EXIT
        export DEBIAN_FRONTEND=noninteractive
        local apt=(apt-get --quiet=2 --option Dpkg::Use-Pty=0 --option DPkg::Lock::Timeout=600)
        # shellcheck disable=SC2086 # one word a package
        if ! apt_lists_fresh || ! "${apt[@]}" install --yes --no-install-recommends --allow-downgrades $missing; then
            "${apt[@]}" update
            # shellcheck disable=SC2086
            "${apt[@]}" install --yes --no-install-recommends --allow-downgrades $missing
        fi
    ) 8>"$LABGEN_STATE/apt.lock"
}

# apt_suite SUITE SOURCE: from here on, apt takes what is built from SOURCE from the suite SUITE of the system's own archive,
# and all else from where it did. There is nothing to add where all packages were chosen beforehand.
apt_suite() {
    local archive
    # shellcheck disable=SC2016 # $(REPO_URI) is apt's
    archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | sed 1q)
    [[ $archive ]] || return 0
    echo "deb $archive $1 main" >"$(apt_folder Etc::SourceParts)/labgen-$1.list"
    printf 'Package: src:%s\nPin: release a=%s\nPin-Priority: 990\n' "$2" "$1" >"$(apt_folder Etc::PreferencesParts)/labgen-$1"
    find "$(apt_folder State::Lists)" -maxdepth 1 -name '*Packages*' -delete # they are not fresh any more
}

# apt_folder NAME: the folder that apt calls Dir::NAME.
apt_folder() {
    (
        eval "$(apt-config shell folder "Dir::$1/d")"
        echo "${folder:?}"
    )
}

# packages_missing PACKAGE…: prints those that are not installed.
packages_missing() {
    local package found
    for package; do
        found=$(dpkg-query --show --showformat='${db:Status-Status} ${Version}' "${package%%=*}" 2>/dev/null) || found=''
        case $package in
        *=*) [[ $found == "installed ${package#*=}" ]] ;;
        *) [[ $found == installed\ * ]] ;;
        esac || echo "$package"
    done
}

# apt_lists_fresh: whether package lists were fetched within the last day.
apt_lists_fresh() {
    [[ -n $(find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' -mtime -1 -print -quit 2>/dev/null) ]]
}

# Debian's maintainer scripts ask policy-rc.d before they start anything; 101 means "no".
forbid_service_starts() {
    if [[ -e /usr/sbin/policy-rc.d ]]; then
        mv /usr/sbin/policy-rc.d /usr/sbin/policy-rc.d.labgen-kept
    fi
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 0755 /usr/sbin/policy-rc.d
}

allow_service_starts() {
    rm -f /usr/sbin/policy-rc.d
    if [[ -e /usr/sbin/policy-rc.d.labgen-kept ]]; then
        mv /usr/sbin/policy-rc.d.labgen-kept /usr/sbin/policy-rc.d
    fi
}

# enabling WORD… UNIT: systemctl's enable, disable or is-enabled. A package that has an old init script beside its unit would
# have it run update-rc.d for that each time, which takes longer than the service does to start; where there is nothing but
# the script, it must.
enabling() {
    local unit=${*: -1} native=''
    if [[ -e /etc/systemd/system/$unit || -e /lib/systemd/system/$unit ]]; then native=1; fi
    SYSTEMCTL_SKIP_SYSV=$native systemctl "$@"
}

# leave_off UNIT…: a package enables its units, but a machine made from this image must not start them before they are
# configured. A unit that enable_and_start has taken over stays as it is.
leave_off() {
    local unit
    for unit; do
        [[ -e $LABGEN_STATE/units/$unit ]] || enabling disable --quiet "$unit"
    done
}

# add_system_user NAME HOME: a user that only runs a service.
add_system_user() {
    id -u "$1" >/dev/null 2>&1 ||
        useradd --system --user-group --home-dir "$2" --no-create-home --shell /usr/sbin/nologin "$1"
}

# ---------------------------------------------------------------- files

# install_program ARTEFACT: puts an artefact into /usr/local/bin.
install_program() {
    put_file "$LABGEN_ARTEFACTS/$1" "/usr/local/bin/$1" 0755 root:root
}

# install_venv ARTEFACT PROGRAM…: makes of the wheels in ARTEFACT a Python environment in /opt/ARTEFACT, asking no index,
# and puts its PROGRAMs into /usr/local/bin.
install_venv() {
    local artefact=$LABGEN_ARTEFACTS/$1 home=/opt/$1 wheels sum program
    shift
    sum=$(sha256sum <"$artefact")
    if [[ $(cat "$home/installed" 2>/dev/null) != "$sum" ]]; then
        apt_install python3-venv
        wheels=$(mktemp -d)
        tar -x --no-same-owner -C "$wheels" -f "$artefact"
        # Services read it as users of their own, whatever this step's umask is.
        (
            umask 022
            python3 -m venv --clear "$home"
            "$home/bin/python" -m pip --quiet --disable-pip-version-check --no-cache-dir install \
                --no-index --find-links "$wheels" --requirement "$wheels/requirements.txt"
            echo "$sum" >"$home/installed"
        )
        rm -rf "$wheels"
        echo "installed $home"
        echo >"$LABGEN_STATE/$LABGEN_COMPONENT/programs"
    fi
    for program; do
        ln --symbolic --force --no-dereference "$home/bin/$program" "/usr/local/bin/$program"
    done
}

# place_files: puts this component's rendered files where files.list says.
place_files() {
    local mode owner path
    while read -r mode owner path; do
        put_file "$LABGEN_FILES$path" "$path" "$mode" "$owner"
    done <"${LABGEN_FILES%/files}/files.list"
}

# put_file SOURCE PATH MODE OWNER:GROUP: in one move, and only if something differs.
put_file() {
    local source=$1 path=$2 mode=$3 owner=$4 new=${2%/*}/.labgen-new-${2##*/}
    if [[ -e $path ]] && cmp --silent "$source" "$path" &&
        [[ $(stat --format='%a %U:%G' "$path") == "${mode#0} $owner" ]]; then
        return 0
    fi
    [[ -d ${path%/*} ]] || mkdir -p "${path%/*}"
    install --mode="$mode" --owner="${owner%:*}" --group="${owner#*:}" "$source" "$new"
    mv --force --no-target-directory "$new" "$path"
    echo "changed $path"
    # Newer than any unit that reads it was started.
    echo >"$LABGEN_STATE/$LABGEN_COMPONENT/changed"
}

# apply_sysctl FILE: the kernel settings in FILE (`NAME = VALUE`), unless they are so already: a container cannot change
# them, but there they were given at its creation.
apply_sysctl() {
    local name value
    while read -r name _ value; do
        if [[ $name != \#* && $(sysctl --values "$name") != "$value" ]]; then
            sysctl --quiet --load="$1"
            return
        fi
    done <"$1"
}

# ---------------------------------------------------------------- units

units_started=()

# enable_and_start UNIT [reload]: enables UNIT and sees that it runs with this component's newest files. A running unit
# is left alone unless they changed since it was last started; then it is restarted, or reloaded if that is enough.
enable_and_start() {
    local unit=$1 verb=start property now
    local LoadState='' ActiveState='' NeedDaemonReload=''
    while IFS= read -r property; do
        local "$property"
    done < <(systemctl show --property=LoadState,ActiveState,NeedDaemonReload "$unit")

    units_started+=("$unit")
    # Reading all unit files again is slow, and needed only if systemd knows an older state of this one.
    if [[ $NeedDaemonReload == yes || $LoadState == not-found ]]; then
        systemctl daemon-reload
    fi
    # Through --root only the links are made. Asked directly, systemd would from then on think all its units outdated.
    enabling is-enabled --quiet "$unit" || enabling --root=/ --quiet enable "$unit"
    case $ActiveState in
    inactive | failed | deactivating) ;;
    *)
        if [[ $LABGEN_STATE/$LABGEN_COMPONENT/programs -nt $LABGEN_STATE/units/$unit ]]; then
            verb=restart # what runs is not what is installed any more
        elif [[ $LABGEN_STATE/$LABGEN_COMPONENT/changed -nt $LABGEN_STATE/units/$unit ]]; then
            verb=${2:-restart}
        elif [[ $ActiveState == active ]]; then
            return 0
        fi
        ;;
    esac
    echo "$verb $unit"
    now=$(date +%s.%N)
    systemctl "$verb" "$unit" || {
        show_journal "$unit"
        die "systemctl $verb $unit failed"
    }
    touch --date="@$now" "$LABGEN_STATE/units/$unit"
}

# follow UNIT…: what this step waits for is up to units that an earlier one has started.
follow() {
    units_started+=("$@")
}

show_journal() {
    journalctl --unit="$1" --lines=15 --no-pager --output=short-precise >&2 || true
}

# ---------------------------------------------------------------- readiness

# wait_for SECONDS WHAT COMMAND…: until COMMAND exits 0. A unit of this step that fails meanwhile ends the wait at once.
wait_for() {
    local seconds=$1 what=$2 deadline=$((SECONDS + $1)) answer=$LABGEN_STATE/$LABGEN_COMPONENT/answer unit polls=0
    local began asked now rest
    shift 2
    began=${EPOCHREALTIME/./}
    asked=$began
    until "$@" >"$answer" 2>&1; do
        if ((SECONDS >= deadline)); then
            for unit in "${units_started[@]}"; do show_journal "$unit"; done
            die "after $seconds seconds there is still no $what; last answer: $(tail --bytes=500 "$answer")"
        fi
        if ((++polls % 20 == 0)); then
            for unit in "${units_started[@]}"; do
                if systemctl is-failed --quiet "$unit"; then
                    show_journal "$unit"
                    die "$unit failed while waiting for $what"
                fi
            done
        fi
        # Asking is work, too, and on an emulated machine a lot: rest as long as the question took, five times as long if
        # it took long, and the longer the longer all this has taken, within 0.05 and 5 s.
        now=${EPOCHREALTIME/./}
        rest=$((now - asked < 200000 ? now - asked : 5 * (now - asked)))
        rest=$((rest > (now - began) / 20 ? rest : (now - began) / 20))
        sleep "$((rest < 50000 ? 50000 : rest > 5000000 ? 5000000 : rest))e-6"
        asked=${EPOCHREALTIME/./}
    done
}
