/*
 * ngx_http_tollgate_texts.h: what a refusal tells a person, in the languages
 * of its pages; the one file whose texts are not ASCII.
 *
 * FACT(NAME, "member", label in en, th, id), in the order in which they are
 * told.  The member is that of a problem's JSON.  A fact without a label is
 * for programs alone.  The URLs come last.
 *
 * TEXT(VERDICT, detail in en, title and detail in th, title and detail in id).
 * The English title is that of redis/verdict_table.h.
 */
FACT(REQUEST_ID,      "request_id",      "Request",
     "คำขอ",                             "Permintaan")
FACT(PLAN,            "plan",            "Plan",
     "แพ็กเกจ",                           "Paket")
FACT(FEATURE,         "feature",         "Feature",
     "ฟีเจอร์",                            "Fitur")
FACT(MODEL,           "model",           "Model",
     "โมเดล",                            "Model")
FACT(CONTENT,         "content",         "Content",
     "เนื้อหา",                            "Konten")
FACT(TIER,            "tier",            "",
     "",                                 "")
FACT(REQUIRED_TIER,   "required_tier",   "Tier needed",
     "ระดับที่ต้องใช้",                       "Tingkat yang diperlukan")
FACT(REQUIRED_PLAN,   "required_plan",   "Plan that includes it",
     "แพ็กเกจที่ใช้ได้",                      "Paket yang mencakupnya")
FACT(PRICE,           "price",           "Price in credits",
     "ราคา (เครดิต)",                      "Harga (kredit)")
FACT(REQUIRED,        "required",        "Credits needed",
     "เครดิตที่ต้องใช้",                      "Kredit yang diperlukan")
FACT(AVAILABLE,       "available",       "Credits available",
     "เครดิตคงเหลือ",                      "Kredit tersedia")
FACT(REQUIRED_UNITS,  "required_units",  "Units needed",
     "หน่วยที่ต้องใช้",                       "Unit yang diperlukan")
FACT(AVAILABLE_UNITS, "available_units", "Units available",
     "หน่วยคงเหลือ",                       "Unit tersedia")
FACT(LIMIT,           "limit",           "",
     "",                                 "")
FACT(RESETS_AT,       "resets_at",       "Available again at",
     "ใช้ได้อีกครั้งเมื่อ",                     "Tersedia lagi pada")
FACT(REASON,          "reason",          "Reason",
     "สาเหตุ",                            "Alasan")
FACT(UPGRADE_URL,     "upgrade_url",     "Upgrade",
     "อัปเกรดแพ็กเกจ",                      "Tingkatkan paket")
FACT(TOPUP_URL,       "topup_url",       "Top up",
     "เติมเครดิต",                         "Isi ulang kredit")

TEXT(KEY_MISSING,
     "Send your API key as \"Authorization: Bearer <key>\" or as "
     "\"X-API-Key: <key>\".",
     "ไม่มีคีย์ API",
     "โปรดส่งคีย์ API ของคุณเป็น \"Authorization: Bearer <key>\" หรือ "
     "\"X-API-Key: <key>\"",
     "Tidak ada kunci API",
     "Kirim kunci API Anda sebagai \"Authorization: Bearer <key>\" atau "
     "\"X-API-Key: <key>\".")
TEXT(KEY_MALFORMED,
     "The API key is not complete or was mistyped.",
     "รูปแบบคีย์ API ไม่ถูกต้อง",
     "คีย์ API ไม่ครบถ้วนหรือพิมพ์ผิด",
     "Format kunci API salah",
     "Kunci API tidak lengkap atau salah ketik.")
TEXT(LINK_INVALID,
     "This download link is not valid here.",
     "ลิงก์ไม่ถูกต้อง",
     "ลิงก์ดาวน์โหลดนี้ใช้กับที่นี่ไม่ได้",
     "Tautan tidak valid",
     "Tautan unduhan ini tidak berlaku di sini.")
TEXT(LINK_EXPIRED,
     "This download link has expired.",
     "ลิงก์หมดอายุ",
     "ลิงก์ดาวน์โหลดนี้หมดอายุแล้ว",
     "Tautan kedaluwarsa",
     "Tautan unduhan ini telah kedaluwarsa.")
TEXT(BODY_INVALID,
     "The price of this request depends on its body, which was refused.",
     "เนื้อหาคำขอไม่ถูกต้อง",
     "ราคาของคำขอนี้ขึ้นอยู่กับเนื้อหา ซึ่งถูกปฏิเสธ",
     "Isi permintaan tidak valid",
     "Harga permintaan ini bergantung pada isinya, yang ditolak.")
TEXT(COST_INVALID,
     "This request has no valid cost.",
     "ราคาไม่ถูกต้อง",
     "คำขอนี้ไม่มีราคาที่ถูกต้อง",
     "Biaya tidak valid",
     "Permintaan ini tidak memiliki biaya yang valid.")
TEXT(FEATURE_UNKNOWN,
     "The catalog has no such feature.",
     "ไม่รู้จักฟีเจอร์นี้",
     "ไม่มีฟีเจอร์นี้ในแค็ตตาล็อก",
     "Fitur tidak dikenal",
     "Katalog tidak memiliki fitur ini.")
TEXT(MODEL_UNKNOWN,
     "The catalog has no such model.",
     "ไม่รู้จักโมเดลนี้",
     "ไม่มีโมเดลนี้ในแค็ตตาล็อก",
     "Model tidak dikenal",
     "Katalog tidak memiliki model ini.")
TEXT(IDEMPOTENCY_INVALID,
     "This request needs a header Idempotency-Key of 1 to 255 characters.",
     "Idempotency-Key ไม่ถูกต้อง",
     "คำขอนี้ต้องมีเฮดเดอร์ Idempotency-Key ยาว 1 ถึง 255 อักขระ",
     "Idempotency-Key tidak valid",
     "Permintaan ini memerlukan header Idempotency-Key dengan 1 sampai 255 "
     "karakter.")
TEXT(CONTENT_UNKNOWN,
     "The catalog has no such content.",
     "ไม่รู้จักเนื้อหานี้",
     "ไม่มีเนื้อหานี้ในแค็ตตาล็อก",
     "Konten tidak dikenal",
     "Katalog tidak memiliki konten ini.")
TEXT(STORE_UNREACHABLE,
     "The request could not be decided. Try again shortly.",
     "ตรวจสอบคำขอไม่ได้ชั่วคราว",
     "ตรวจสอบคำขอนี้ไม่ได้ โปรดลองใหม่ในอีกสักครู่",
     "Sementara tidak dapat diproses",
     "Permintaan tidak dapat diperiksa. Silakan coba lagi sebentar lagi.")
TEXT(DEADLINE_PASSED,
     "The request could not be decided. Try again shortly.",
     "ตรวจสอบคำขอไม่ได้ชั่วคราว",
     "ตรวจสอบคำขอนี้ไม่ได้ โปรดลองใหม่ในอีกสักครู่",
     "Sementara tidak dapat diproses",
     "Permintaan tidak dapat diperiksa. Silakan coba lagi sebentar lagi.")
TEXT(KEY_UNKNOWN,
     "There is no such API key.",
     "ไม่รู้จักคีย์ API นี้",
     "ไม่มีคีย์ API นี้",
     "Kunci API tidak dikenal",
     "Kunci API ini tidak ada.")
TEXT(KEY_REVOKED,
     "This API key was revoked.",
     "คีย์ API ถูกเพิกถอน",
     "คีย์ API นี้ถูกเพิกถอนแล้ว",
     "Kunci API dicabut",
     "Kunci API ini telah dicabut.")
TEXT(KEY_EXPIRED,
     "This API key has expired.",
     "คีย์ API หมดอายุ",
     "คีย์ API นี้หมดอายุแล้ว",
     "Kunci API kedaluwarsa",
     "Kunci API ini telah kedaluwarsa.")
TEXT(KEY_PAUSED,
     "This API key is paused.",
     "คีย์ API ถูกพักใช้",
     "คีย์ API นี้ถูกพักการใช้งานชั่วคราว",
     "Kunci API dijeda",
     "Kunci API ini sedang dijeda.")
TEXT(ACCOUNT_SUSPENDED,
     "This account is suspended.",
     "บัญชีถูกระงับ",
     "บัญชีนี้ถูกระงับการใช้งาน",
     "Akun ditangguhkan",
     "Akun ini sedang ditangguhkan.")
TEXT(ACCOUNT_FROZEN,
     "This account is frozen until it has been checked.",
     "บัญชีถูกอายัด",
     "บัญชีนี้ถูกอายัดจนกว่าจะตรวจสอบเสร็จ",
     "Akun dibekukan",
     "Akun ini dibekukan sampai selesai diperiksa.")
TEXT(APP_SUSPENDED,
     "The app of this API key is suspended.",
     "แอปถูกระงับ",
     "แอปของคีย์ API นี้ถูกระงับการใช้งาน",
     "Aplikasi ditangguhkan",
     "Aplikasi dari kunci API ini sedang ditangguhkan.")
TEXT(IP_FORBIDDEN,
     "This API key or link may not be used from this address.",
     "ไม่อนุญาตที่อยู่ IP นี้",
     "คีย์ API หรือลิงก์นี้ใช้จากที่อยู่ IP นี้ไม่ได้",
     "Alamat tidak diizinkan",
     "Kunci API atau tautan ini tidak boleh digunakan dari alamat ini.")
TEXT(SCOPE_MISSING,
     "This API key lacks the scope that this needs.",
     "คีย์ไม่มีสิทธิ์ที่ต้องใช้",
     "คีย์ API นี้ไม่มีขอบเขตสิทธิ์ที่บริการนี้ต้องใช้",
     "Cakupan tidak ada",
     "Kunci API ini tidak memiliki cakupan yang diperlukan.")
TEXT(METHOD_FORBIDDEN,
     "This API key or link may not use this method.",
     "ไม่อนุญาตเมธอดนี้",
     "คีย์ API หรือลิงก์นี้ใช้เมธอดนี้ไม่ได้",
     "Metode tidak diizinkan",
     "Kunci API atau tautan ini tidak boleh memakai metode ini.")
TEXT(PATH_FORBIDDEN,
     "This API key may not be used for this path.",
     "ไม่อนุญาตเส้นทางนี้",
     "คีย์ API นี้ใช้กับเส้นทางนี้ไม่ได้",
     "Jalur tidak diizinkan",
     "Kunci API ini tidak boleh digunakan untuk jalur ini.")
TEXT(MODEL_FORBIDDEN,
     "This API key may not use this model.",
     "ไม่อนุญาตโมเดลนี้",
     "คีย์ API นี้ใช้โมเดลนี้ไม่ได้",
     "Model tidak diizinkan",
     "Kunci API ini tidak boleh memakai model ini.")
TEXT(TIER_REQUIRED,
     "The plan of this account does not include this.",
     "ต้องใช้แพ็กเกจที่สูงกว่า",
     "แพ็กเกจของบัญชีนี้ไม่รวมบริการนี้",
     "Perlu paket yang lebih tinggi",
     "Paket akun ini tidak mencakup layanan ini.")
TEXT(IDEMPOTENCY_MISMATCH,
     "This Idempotency-Key was sent with another request before.",
     "Idempotency-Key ของคำขออื่น",
     "Idempotency-Key นี้เคยใช้กับคำขออื่นมาก่อนแล้ว",
     "Idempotency-Key milik permintaan lain",
     "Idempotency-Key ini sebelumnya sudah dipakai untuk permintaan lain.")
TEXT(IDEMPOTENCY_IN_PROGRESS,
     "The request with this Idempotency-Key has not ended yet.",
     "คำขอกำลังดำเนินการ",
     "คำขอที่ใช้ Idempotency-Key นี้ยังไม่เสร็จสิ้น",
     "Permintaan sedang diproses",
     "Permintaan dengan Idempotency-Key ini belum selesai.")
TEXT(CONCURRENCY_LIMITED,
     "Too many requests run at once.",
     "คำขอพร้อมกันมากเกินไป",
     "มีคำขอที่กำลังทำงานพร้อมกันมากเกินไป",
     "Terlalu banyak permintaan bersamaan",
     "Terlalu banyak permintaan berjalan pada saat yang sama.")
TEXT(CONTENT_LOCKED,
     "This content has to be bought first.",
     "ยังไม่ได้ซื้อเนื้อหานี้",
     "ต้องซื้อเนื้อหานี้ก่อนจึงจะดูได้",
     "Konten belum dibeli",
     "Konten ini harus dibeli terlebih dahulu.")
TEXT(LINK_REVOKED,
     "This download link was revoked.",
     "ลิงก์ถูกเพิกถอน",
     "ลิงก์ดาวน์โหลดนี้ถูกเพิกถอนแล้ว",
     "Tautan dicabut",
     "Tautan unduhan ini telah dicabut.")
TEXT(DOWNLOADS_EXHAUSTED,
     "This download link has been used as often as it may be.",
     "ดาวน์โหลดครบจำนวนแล้ว",
     "ลิงก์ดาวน์โหลดนี้ถูกใช้ครบจำนวนครั้งที่กำหนดแล้ว",
     "Unduhan habis",
     "Tautan unduhan ini sudah dipakai sebanyak yang diizinkan.")
TEXT(RATE_LIMITED,
     "Requests come faster than the plan allows.",
     "คำขอมากเกินไป",
     "ส่งคำขอเร็วกว่าที่แพ็กเกจอนุญาต",
     "Terlalu banyak permintaan",
     "Permintaan dikirim lebih cepat daripada yang diizinkan paket.")
TEXT(QUOTA_EXCEEDED,
     "The quota of the plan is used up.",
     "ใช้โควตาหมดแล้ว",
     "ใช้โควตาของแพ็กเกจหมดแล้ว",
     "Kuota habis",
     "Kuota paket sudah habis.")
TEXT(CAP_REACHED,
     "A limit that was set for this account, app or key is reached.",
     "ถึงขีดจำกัดแล้ว",
     "ใช้ถึงขีดจำกัดที่ตั้งไว้สำหรับบัญชี แอป หรือคีย์นี้แล้ว",
     "Batas tercapai",
     "Batas yang ditetapkan untuk akun, aplikasi, atau kunci ini sudah "
     "tercapai.")
TEXT(CREDITS_EXHAUSTED,
     "The account has too few credits for this request.",
     "เครดิตไม่พอ",
     "บัญชีมีเครดิตไม่พอสำหรับคำขอนี้",
     "Kredit tidak cukup",
     "Kredit akun tidak cukup untuk permintaan ini.")
