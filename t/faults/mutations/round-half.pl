# What tokens cost is rounded to the nearest micro-credit, in the place of up
# in ngx_module/ngx_http_tollgate_meter_cost.c
s/\(sum \+ NGX_HTTP_TOLLGATE_METER_MILLION - 1\)/(sum + NGX_HTTP_TOLLGATE_METER_MILLION \/ 2)/
