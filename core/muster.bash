# Completion of muster(1) for bash. What may follow is asked of muster
# itself, so that this needs no change with a new verb or key.

_muster()
{
	local before=${COMP_LINE:0:COMP_POINT} cur='' word i
	local -a line config=()

	# Not COMP_WORDS: bash would break addresses at the "@".
	read -ra line <<< "$before"
	if [[ $before != *[[:space:]] ]]; then
		cur=${line[-1]}
		unset 'line[-1]'
	fi
	for ((i = 1; i + 1 < ${#line[@]}; i++)); do
		[[ ${line[i]} == -c || ${line[i]} == --config ]] &&
			config=(-c "${line[i + 1]}")
	done

	# readline replaces only what stands behind the last word break
	local kept=${cur%"${cur##*[@=:]}"}
	COMPREPLY=()
	while read -r word; do
		case $word in
		FILE|DIR)
			compopt -o filenames 2>/dev/null
			mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(
				[[ $word == DIR ]] && compgen -d -- "$cur" ||
				compgen -f -- "$cur")
			;;
		LIST)
			while read -r word; do
				[[ $word == "$cur"* ]] &&
					COMPREPLY+=("${word#"$kept"}")
			done < <("${line[0]}" "${config[@]}" list ls \
				2>/dev/null)
			;;
		*)
			[[ $word == *= && $word == "$cur"* ]] &&
				compopt -o nospace 2>/dev/null
			[[ $word == "$cur"* ]] &&
				COMPREPLY+=("${word#"$kept"}")
			;;
		esac
	done < <("${line[0]}" completion words -- "${line[@]:1}" 2>/dev/null)
	return 0
}

complete -F _muster muster
