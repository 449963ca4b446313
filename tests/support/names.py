"""A name in each script that reports can be set in, some with joiners within a word."""

NAMES = {
    "Amharic": "አበበ^በቀለ",
    "Arabic": "محمد^علي",
    "Armenian": "Արամ^Հակոբյան",
    "Bengali": "রহিম^করিম",
    "Burmese": "အောင်^ဆန်း",
    "Georgian": "ნინო^ბერიძე",
    "Greek": "Ελένη^Παππά",
    "Gujarati": "રમેશ^પટેલ",
    "Hebrew": "משה^כהן",
    "Hindi": "राम^कुमार",
    "Kannada": "ರಾಮ^ಕೃಷ್ಣ",
    "Khmer": "សុខ^វណ្ណា",
    "Lao": "ສົມ^ພອນ",
    "Malayalam": "കൃഷ്ണന്\u200d^നായർ",
    "Odia": "ରାମ^ଦାସ",
    "Persian": "علی\u200cرضا^مریم",  # noqa: RUF001
    "Polish": "Żółć^Łukasz",
    "Punjabi": "ਗੁਰ^ਸਿੰਘ",
    "Russian": "Иванова^Анна",
    "Sinhala": "ශ්\u200dරීමල්^පෙරේරා",
    "Tamil": "குமார்^ராஜா",
    "Telugu": "రామ^కృష్ణ",
    "Thai": "สมชาย^ใจดี",
    "Urdu": "فاطمہ^گلے",
    "Vietnamese": "Nguyễn^Thị Hằng",
}
