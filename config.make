# Adds the rule for the header that holds the Redis scripts to nginx's Makefile.

cat << END >> $NGX_MAKEFILE

$NGX_OBJS/tollgate_scripts.h: \$(wildcard $ngx_addon_dir/redis/*.lua) \\
	\$(wildcard $ngx_addon_dir/redis/*/*.lua) \\
	$ngx_addon_dir/tools/embed_lua.sh
	$ngx_addon_dir/tools/embed_lua.sh \$@ \\
		\$(wildcard $ngx_addon_dir/redis/*.lua)
END
