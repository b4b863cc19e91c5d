# Makes a database cluster in the folder $2 with the programs in $1, runs it with the other parameters, and
# does what standard input says. When that ends, because the test has ended or was killed, so does everything here.
programs=$1 folder=$2
shift 2

run() {
    # Without fsync: what a crash of the machine leaves is not tested. Not even a port can collide.
    "$programs/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c fsync=off \
        -c full_page_writes=off -c max_connections=200 -c log_min_messages=warning \
        "$@" >>"$folder/log" 2>&1 </dev/null &
    server=$!
    until "$programs/pg_isready" -q -h "$folder"; do
        kill -0 "$server" 2>/dev/null || { cat "$folder/log" >&2; exit 1; }
        sleep 0.02
    done
}

signal_all() {
    # The server's own children are in process groups of their own.
    kill "-$1" "$server" $(cat "/proc/$server/task/$server/children")
}

"$programs/initdb" -D "$folder/data" -U jotgate -A trust -E UTF8 --locale=C.UTF-8 --no-sync \
    >>"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
run "$@"
echo done
while read -r order; do
    case $order in
    crash) kill -QUIT "$server"; wait "$server" ;;
    freeze) signal_all STOP ;;
    start) run "$@" ;;
    stop) kill -INT "$server"; wait "$server" ;;
    thaw) signal_all CONT ;;
    esac
    echo done
done
signal_all CONT 2>/dev/null
kill -QUIT "$server" 2>/dev/null
wait "$server"
rm -rf "$folder"
