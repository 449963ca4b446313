-- Orthanc: patient number 17 of one clinic is not patient number 17 of another. See config/district.md.
--
-- Orthanc tells patients apart by Patient ID alone. What a Leapfrog box makes of an exam says who gave the number
-- (Issuer of Patient ID, `issuer_of_patient_id` in the box's settings); the clinic's own images mostly do not. So an exam
-- in which an object of a box names the issuer is filed under that issuer's name and the number: KITGUM-17. Study, series
-- and instance keep their UIDs, so that the box finds what it sent, and the images keep their pixels as they came.

local function tagsOf(instance)
  return ParseJson(RestApiGet('/instances/' .. instance .. '/simplified-tags', false))
end

local function instancesOf(study)
  local found = {}
  for _, instance in ipairs(ParseJson(RestApiGet('/studies/' .. study .. '/instances', false))) do
    table.insert(found, instance['ID'])
  end
  return found
end

local function filedAs(issuer, number)
  return issuer .. '-' .. number
end

-- The issuer of a number, by any object of that study: one that waits beside this one, or one that was filed already.
local function issuerOf(uid, number)
  local query = { Level = 'Study', Query = { StudyInstanceUID = uid } }
  for _, study in ipairs(ParseJson(RestApiPost('/tools/find', DumpJson(query, true), false))) do
    for _, instance in ipairs(instancesOf(study)) do
      local tags = tagsOf(instance)
      local issuer = tags['IssuerOfPatientID'] or ''
      if issuer ~= '' and (tags['PatientID'] == number or tags['PatientID'] == filedAs(issuer, number)) then
        return issuer
      end
    end
  end
  return nil
end

local function file(instance, issuer, number)
  local change = {
    Replace = { PatientID = filedAs(issuer, number), IssuerOfPatientID = issuer },
    Keep = { 'StudyInstanceUID', 'SeriesInstanceUID', 'SOPInstanceUID' },
    Force = true
  }
  local filed = RestApiPost('/instances/' .. instance .. '/modify', DumpJson(change, true), false)
  local stored = ParseJson(RestApiPost('/instances', filed, false))
  -- The one that came goes only when the other is there.
  if stored['Status'] == 'Success' or stored['Status'] == 'AlreadyStored' then
    RestApiDelete('/instances/' .. instance, false)
  end
end

function OnStoredInstance(instance, tags, metadata, origin)
  local number = tags['PatientID'] or ''
  local issuer = tags['IssuerOfPatientID'] or ''
  if number == '' or (issuer ~= '' and string.sub(number, 1, #issuer + 1) == issuer .. '-') then
    return -- nobody's, or filed
  end
  local known = issuer ~= '' and issuer or issuerOf(tags['StudyInstanceUID'], number)
  if known == nil then
    return -- no object of a box came yet: when one does, this is filed with it
  end
  local study = ParseJson(RestApiGet('/instances/' .. instance .. '/study', false))
  for _, one in ipairs(instancesOf(study['ID'])) do
    if tagsOf(one)['PatientID'] == number then
      file(one, known, number)
    end
  end
end
