#!/bin/sh
# A tape that is a directory: what dCache's provider "script" expects of a program, in its smallest working form.
# It shows the contract and serves tests; a site puts its own tape client where the files are copied.
#
#   hsm create osm osm script -command=/usr/local/sbin/dcache-tape.sh -directory=/srv/tape
#
#   put PNFSID FILE -si=INFO ...          stores FILE, prints one URI, exits 0
#   get PNFSID FILE -si=INFO -uri=URI ... brings FILE back
#   remove -uri=URI ...                   deletes it from tape
#
# Exit codes that dCache knows: 41 no space left, 42 disk read error, 43 disk write error (a get then disables the pool),
# 30 to 39 the request is given up and reported; with any other it is tried again. What is printed on stderr lands in the pool's log.
set -u

fail() {
    echo "dcache-tape: $2" >&2
    exit "$1"
}

action=${1:-}
[ $# -gt 0 ] && shift
pnfsid='' file='' info='' uri='' directory='' instance=osm
for word; do
    case $word in
        -si=*) info=${word#-si=} ;;
        -uri=*) uri=${word#-uri=} ;;
        -directory=*) directory=${word#-directory=} ;;
        -instance=*) instance=${word#-instance=} ;;
        -*) ;; # options for other scripts, and what dCache adds
        *) if [ -z "$pnfsid" ]; then pnfsid=$word; else file=$word; fi ;;
    esac
done
[ -d "$directory" ] || fail 30 "option -directory=PATH is missing, or $directory is no directory"

# Storage info comes as NAME=VALUE;NAME=VALUE;...
field() {
    printf '%s' "$info" | tr ';' '\n' | sed -n "s/^$1=//p" | head -n 1
}

# The name on tape: the bfid of the URI. Nothing else may be named by it.
stored() {
    bfid=$(printf '%s' "$uri" | sed -n 's/.*[?&]bfid=\([A-Za-z0-9]*\)\(&.*\)*$/\1/p')
    [ -n "$bfid" ] || fail 30 "no bfid in URI $uri"
    printf '%s/%s' "$directory" "$bfid"
}

case $action in
    put)
        case $pnfsid in '' | *[!A-Za-z0-9]*) fail 30 "no PNFS id: $pnfsid" ;; esac
        [ -r "$file" ] || fail 42 "cannot read $file"
        # Written beside its name and renamed: an interrupted put leaves no half file that a get could bring back.
        if ! cp -- "$file" "$directory/.$pnfsid.part" || ! mv -- "$directory/.$pnfsid.part" "$directory/$pnfsid"; then
            rm -f -- "$directory/.$pnfsid.part"
            fail 1 "cannot write to $directory"
        fi
        printf 'osm://%s/?store=%s&group=%s&bfid=%s\n' "$instance" "$(field store)" "$(field group)" "$pnfsid"
        ;;
    get)
        place=$(stored) || exit $?
        [ -r "$place" ] || fail 30 "$uri is not on tape"
        cp -- "$place" "$file" || fail 43 "cannot write $file"
        ;;
    remove)
        place=$(stored) || exit $?
        rm -f -- "$place" || fail 1 "cannot remove $uri"
        ;;
    *) fail 30 "unknown action: $action" ;;
esac
